"""Turns the newest Scene into Frames: generators, devices, the render thread."""
