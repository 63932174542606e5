"""Any opened model as a bundle: "Save as bundle" and ``genviewer convert``."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from genviewer.core.prior import draws
from genviewer.engine.bundle_card import card
from genviewer.engine.bundle_writer import bundle_folder, check_place
from genviewer.engine.generator import LoadError
from genviewer.engine.onnx_pack import take_weights, with_weights_in
from genviewer.engine.program_generator import program_path
from genviewer.io.atomic import write_bytes
from genviewer.io.bundle import (
    ACCELERATOR_NAME,
    CARD_NAME,
    CONFIG_NAME,
    PREVIEW_NAME,
    WEIGHTS_NAME,
    Bundle,
    BundleError,
    Config,
    open_bundle,
    write_bundle,
)
from genviewer.io.programs.guarded_process import ProgramError
from genviewer.io.programs.onnx_graph import OnnxError, check, external_arrays, parse, read_onnx
from genviewer.io.programs.onnx_hints import size_follows_values
from genviewer.io.programs.opening import opened_again
from genviewer.io.programs.wiring import ANY_BATCH, NO_BATCH, Wiring, arrays_for
from genviewer.io.tensors_file import save_tensors

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from genviewer.engine.jobs import Progress

DECODER_NAME = ACCELERATOR_NAME
TRACE_SECONDS = 300.0
TOLERANCE = 1e-4
"""Largest difference from the program, as a share of the output's range."""


def convert(
    bundle: Bundle,
    out: Path,
    *,
    onnx: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> Bundle:
    """Write a model as a bundle that draws the same, with what was assumed and where it is from.

    Args:
        bundle: an opened model of any kind.
        out: the folder.
        force: replace what is in it.
        onnx: its decoder as ONNX, too, for other programs. Imports torch.
        progress: is asked between the steps.

    Raises:
        BundleError: if it cannot be a bundle, or the place is taken.
        LoadError: if its network cannot be built.
        OSError: if it cannot be written.
    """
    check_place(out, force)
    network = bundle.config.network
    provenance = dict(bundle.config.provenance)
    provenance.setdefault("weights_sha256", bundle.weights_sha256)
    config = msgspec.structs.replace(bundle.config, provenance=provenance)
    if network.get("type") == "program":
        if network.get("runtime") == "onnx":
            _write_program(bundle, config, out, force)
        else:
            _write_traced(bundle, config, out, force, progress)
    else:
        _write_network(bundle, config, out, onnx, force, progress)
    return open_bundle(out)


def _write_network(
    bundle: Bundle,
    config: Config,
    out: Path,
    onnx: bool,
    force: bool,
    progress: Progress | None,
) -> None:
    """A network of ours: its weights, and where it is wanted its decoder as ONNX."""
    tensors = bundle.tensors()
    with bundle_folder(out, force) as work:
        text = bundle.card() if bundle.reader == "bundle" else ""
        text = text or card(config, DECODER_NAME if onnx else None)
        written = write_bundle(work, config, tensors, text, _discriminator(bundle))
        if progress is not None:
            progress.report(0.5)
        preview = bundle.path / PREVIEW_NAME
        if bundle.reader == "bundle" and preview.is_file():
            write_bytes(work / PREVIEW_NAME, preview.read_bytes())
        if onnx:
            _export(written, work / DECODER_NAME)


def _discriminator(bundle: Bundle) -> dict[str, NDArray[Any]] | None:
    """What is beside the weights of a bundle to judge its pictures; None if nothing is."""
    if not bundle.config.discriminator:
        return None
    from genviewer.engine.discriminator_file import read_discriminator

    return read_discriminator(bundle.discriminator_path, bundle.config.discriminator)


def _export(bundle: Bundle, path: Path) -> None:
    from genviewer.engine.onnx_export import export_decoder
    from genviewer.engine.torch_decoder import load_network

    try:
        export_decoder(load_network(bundle), bundle.spec, bundle.model_id, path)
    except RuntimeError as error:
        if isinstance(error, LoadError):
            raise
        raise BundleError(f"{bundle.spec.name} cannot be expressed in ONNX.") from error


def _write_program(bundle: Bundle, config: Config, out: Path, force: bool) -> None:
    """An ONNX graph: its large tensors as safetensors, the graph referring to them."""
    path = program_path(bundle)
    try:
        data, graph = read_onnx(path)
        model, tensors = take_weights(data, external_arrays(graph, path.parent))
    except OnnxError as error:
        raise BundleError(f"{path.name} {error}.") from error
    if hashlib.sha256(data).hexdigest() != config.network["sha256"]:
        raise BundleError(f"{path.name} has changed since it was opened.")
    encoder = config.network.get("encoder")
    if encoder is not None:
        raise BundleError(f"{bundle.spec.name} is such a bundle already: copy its folder.")
    with bundle_folder(out, force) as work:
        write_program_bundle(work, config, {DECODER_NAME: (model, "")}, tensors)


def _write_traced(
    bundle: Bundle, config: Config, out: Path, force: bool, progress: Progress | None
) -> None:
    """A program of torch: traced to ONNX where it runs, since a bundle holds no program.

    Raises:
        BundleError: if it cannot be expressed so, or computes something else then.
    """
    if not bundle.trusted:
        raise BundleError(f"{bundle.spec.name} runs a program, which needs your trust first.")
    name, network = bundle.spec.name, config.network
    wiring = msgspec.convert(network["wiring"], type=Wiring)
    count = {ANY_BATCH: 2, NO_BATCH: 1}.get(wiring.batch, wiring.batch)
    z, size = draws(bundle.spec.latent, 0, count), bundle.spec.condition_size
    y = np.eye(size, dtype=np.float32)[np.arange(count) % size] if size else None
    inputs = arrays_for(wiring, z, y)
    method = f"onnx:{wiring.output}:{int(wiring.batch == ANY_BATCH)}:{wiring.method}"
    try:
        process = opened_again(bundle, bundle.path, 1)
        try:
            wanted = process.run(inputs, wiring.method, progress=progress)[wiring.output]
            (data,) = process.run(inputs, method, seconds=TRACE_SECONDS, progress=progress)
        finally:
            process.close()
        model, tensors = _checked_graph(data.tobytes(), inputs, wanted, bundle)
    except (ProgramError, OnnxError) as error:
        reason = str(error).rstrip(".")
        raise BundleError(f"{name} cannot be expressed in ONNX: it {reason}.") from error
    feeds = tuple(
        msgspec.structs.replace(feed, name=f"in{i}") for i, feed in enumerate(wiring.feeds)
    )
    wiring = msgspec.structs.replace(wiring, feeds=feeds, output=0, method="forward")
    table = {"guarded": False, "wiring": msgspec.to_builtins(wiring)}
    config = msgspec.structs.replace(config, network=table)
    with bundle_folder(out, force) as work:
        write_program_bundle(work, config, {DECODER_NAME: (model, "")}, tensors)


def _checked_graph(
    data: bytes, inputs: list[NDArray[Any]], wanted: NDArray[Any], bundle: Bundle
) -> tuple[Any, dict[str, NDArray[Any]]]:
    """A traced graph, taken apart, if it computes what the program computes."""
    from genviewer.io.programs.run_onnx import OnnxProgram, open_session

    graph = parse(data)
    check(graph)
    if graph.control_flow or size_follows_values(graph):
        raise OnnxError("does more than a decoder needs to")
    try:
        (found,) = OnnxProgram(open_session(data, {}, 1)).run("forward", inputs)
    except Exception as error:  # ONNX Runtime's errors share no narrower class
        raise OnnxError("does not run in ONNX Runtime") from error
    low, high = bundle.spec.image.range
    if found.shape != wanted.shape or not np.allclose(
        found.astype(np.float32), wanted.astype(np.float32), atol=TOLERANCE * (high - low)
    ):
        raise OnnxError("computes something else then")
    return take_weights(data, {})


def write_program_bundle(
    folder: Path,
    config: Config,
    graphs: dict[str, tuple[Any, str]],
    tensors: dict[str, Any],
) -> None:
    """Write weights, graphs, configuration and card of a bundle whose network is ONNX.

    Args:
        folder: an empty one.
        config: its ``network`` is completed with the graphs' names and sha256.
        graphs: file name to a model as :func:`take_weights` gave it, and the prefix of its
            tensors; the first is the decoder, the second, if any, the encoder.
        tensors: those of all graphs.
    """
    save_tensors(folder / WEIGHTS_NAME, tensors)
    network: dict[str, Any] = config.network | {"type": "program", "runtime": "onnx"}
    keys = (("decoder", "sha256"), ("encoder", "encoder_sha256"))
    for (name_key, digest_key), (name, (model, prefix)) in zip(keys, graphs.items(), strict=False):
        data = with_weights_in(model, folder / WEIGHTS_NAME, prefix)
        write_bytes(folder / name, data)
        network |= {name_key: name, digest_key: hashlib.sha256(data).hexdigest()}
    config = msgspec.structs.replace(config, network=network)
    encoded = msgspec.json.format(msgspec.json.encode(config), indent=2)
    standard = [feed["name"] for feed in network["wiring"]["feeds"]][:1] == ["z"]
    decoder = DECODER_NAME if standard and network["wiring"].get("levels") is not None else None
    write_bytes(folder / CARD_NAME, card(config, decoder).encode())
    write_bytes(folder / CONFIG_NAME, encoded + b"\n")
