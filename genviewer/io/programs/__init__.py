"""Decoders that come as programs: ONNX graphs, TorchScript, exported programs, a person's class.

A state dict holds numbers and the network is ours. A program brings its own computation, so it is
inspected before anything runs it, first run in another process with limits, and described by a
:class:`~genviewer.io.programs.wiring.Wiring` that says how latents and conditions go in and
pictures come out.
"""
