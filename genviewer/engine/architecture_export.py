"""A person's own network as a bundle that opens anywhere without its code: ``genviewer.export``.

The decoder, and the encoder if there is one, are traced to ONNX, which is the bundle's network;
what ONNX Runtime draws is compared with what the modules give before anything is kept.
"""

from __future__ import annotations

import io
import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from genviewer.core.prior import draws
from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec
from genviewer.engine.bundle_writer import bundle_folder, check_place
from genviewer.engine.convert import DECODER_NAME, write_program_bundle
from genviewer.engine.onnx_pack import take_weights
from genviewer.io.bundle import Config, check_spec, open_bundle
from genviewer.io.programs.wiring import Feed, Wiring
from genviewer.nets.chain_config import POINT_LOGVAR

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from genviewer.io.bundle import Bundle

ENCODER_NAME = "encoder.onnx"
OPSET = 18
CHECKED_SAMPLES = 5
TOLERANCE = 1e-4
"""Largest difference from the modules, as a share of the values' range."""


class ExportError(ValueError):
    """A network that cannot be exported; the message is one sentence for the user."""


def export(
    decoder: nn.Module | Callable[..., Any],
    encoder: nn.Module | Callable[..., Any] | None = None,
    spec: Spec | Mapping[str, Any] | None = None,
    out: str | Path = "model",
    *,
    overwrite: bool = False,
) -> Bundle:
    """Write a bundle of a trained network of any architecture.

    ``genviewer.export(G, spec={"latent": 100, "classes": 10, "range": (-1, 1)}, out="my-gan")``

    Args:
        decoder: a module, method or function of ``z`` (N, D) or (N, D, 1, 1), with classes also of
            ``y`` (N, K) float32 weights or (N,) int64 indices: tried in this order. Gives
            (N, C, H, W) or flat (N, H*W).
        encoder: a module, method or function of pictures (N, C, H, W) in the decoder's range, with
            classes also of ``y``; gives mean and log variance as a pair or as (N, 2D), or the
            mean alone.
        spec: a :class:`~genviewer.core.spec.Spec`, or a mapping with ``latent`` (size, the only
            one needed), ``range`` (of the raw output, default (0, 1)), ``classes`` (number or
            names), ``prior`` (``normal`` or ``uniform``), ``name`` and ``family``.
        out: the folder to write.
        overwrite: replace what is in that folder.

    Returns:
        The bundle, opened.

    Raises:
        ExportError: if the network cannot be called or traced, or ONNX computes something else.
        BundleError: if there is something in ``out``, or the Spec is not usable.
        OSError: if it cannot be written.
    """
    import torch

    out = Path(out)
    check_place(out, overwrite)
    wanted = _parsed(spec, out.name)
    threads = torch.get_num_threads()
    modules = _modules_of(decoder) + ([] if encoder is None else _modules_of(encoder))
    modes = [(part, part.training) for module in modules for part in module.modules()]
    trained = [p for module in modules for p in module.parameters() if p.requires_grad]
    try:
        for module in modules:
            module.eval().requires_grad_(False)
        return _export(decoder, encoder, wanted, out, overwrite)
    finally:
        for part, training in modes:
            part.training = training
        for parameter in trained:
            parameter.requires_grad_(True)
        torch.set_num_threads(threads)


def _modules_of(function: Callable[..., Any]) -> list[nn.Module]:
    """The modules that a decoder or encoder is made of: itself, whose method it is, or those that
    a function refers to.
    """
    from torch import nn

    closure = [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
    code, scope = getattr(function, "__code__", None), getattr(function, "__globals__", {})
    named = [scope.get(name) for name in code.co_names] if code is not None else []
    candidates = [function, getattr(function, "__self__", None), *closure, *named]
    return [item for item in candidates if isinstance(item, nn.Module)]


def _export(
    decoder: Callable[..., Any],
    encoder: Callable[..., Any] | None,
    spec: Spec,
    out: Path,
    overwrite: bool,
) -> Bundle:
    import torch

    size = spec.condition_size
    z = torch.from_numpy(draws(spec.latent, 0, CHECKED_SAMPLES))
    y = torch.eye(size)[torch.arange(len(z)) % size] if size else None
    with torch.no_grad():
        call, raw = _decoder_call(decoder, z, y)
        raw = _as_pictures(raw)
        channels, height, width = (int(n) for n in raw.shape[1:])
        image = ImageSpec(channels, height, width, spec.image.range)
        spec = msgspec.structs.replace(spec, image=image, encoder=encoder is not None)
        check_spec(spec, out.name)
        names = ["z"] if y is None else ["z", "y"]
        inputs = (z,) if y is None else (z, y)
        module = _decoder_module(decoder, call, image)
        traced = _trace(module, inputs, names, ["raw", "pixels"])
        _compare(traced, dict(zip(names, inputs, strict=True)), {"raw": raw}, image.range, out.name)
        model, tensors = take_weights(traced, {}, "decoder.")
        graphs = {DECODER_NAME: (model, "decoder.")}
        if encoder is not None:
            data = _encoder_graph(encoder, raw, y, spec, out.name)
            model, more = take_weights(data, {}, "encoder.")
            graphs[ENCODER_NAME] = (model, "encoder.")
            tensors |= more
    feeds = [Feed("z", "latent", shape=(spec.latent.dim,))]
    if size:
        feeds.append(Feed("y", "weights", shape=(size,), size=size))
    network = {"guarded": False, "wiring": msgspec.to_builtins(Wiring(tuple(feeds), levels=1))}
    provenance = {"exported_by": "genviewer.export", "decoder": type(decoder).__name__}
    with bundle_folder(out, overwrite) as work:
        write_program_bundle(work, Config(spec, network, provenance=provenance), graphs, tensors)
    return open_bundle(out)


def _parsed(spec: Spec | Mapping[str, Any] | None, name: str) -> Spec:
    """A Spec from what was given; its picture's size is found by running the decoder."""
    if isinstance(spec, Spec):
        return spec
    given = dict(spec or {})
    latent = given.pop("latent", None)
    if not isinstance(latent, int) or latent < 1:
        raise ExportError('spec needs the size of the latent, such as {"latent": 100}.')
    classes = given.pop("classes", 0)
    names = None if isinstance(classes, int) else tuple(str(item) for item in classes)
    count = classes if isinstance(classes, int) else len(names or ())
    low, high = given.pop("range", (0.0, 1.0))
    prior, family = given.pop("prior", "normal"), given.pop("family", "decoder")
    called = str(given.pop("name", name))
    if given:
        raise ExportError(
            f"spec has no {sorted(given)[0]!r}: it takes latent, range, classes, prior, name, "
            "family."
        )
    conditions = (ConditionSpec("class", "class", count, names),) if count else ()
    image = ImageSpec(1, 1, 1, (float(low), float(high)))
    try:
        latent_spec = {"dim": latent, "prior": prior}
        return Spec(
            called,
            msgspec.convert(family, type=_field_type("family")),
            msgspec.convert(latent_spec, type=LatentSpec),
            image,
            conditions,
        )
    except msgspec.ValidationError as error:
        raise ExportError(f"spec is not usable: {error}.") from error


def _field_type(name: str) -> Any:
    return next(field.type for field in msgspec.structs.fields(Spec) if field.name == name)


def _decoder_call(
    decoder: Callable[..., Any], z: Tensor, y: Tensor | None
) -> tuple[Callable[..., Tensor], Tensor]:
    """The first way to call a decoder that gives pictures, and what it gave."""
    latents: list[Callable[[Tensor], Tensor]] = [lambda v: v, lambda v: v[:, :, None, None]]
    labels: list[Callable[[Tensor], Tensor] | None] = [None]
    if y is not None:
        labels = [lambda v: v, lambda v: v.argmax(dim=1), lambda v: v.argmax(dim=1, keepdim=True)]
    reasons = []
    for label in labels:
        for latent in latents:
            call = _call(decoder, latent, label)
            try:
                raw = call(z, y)
                if raw.ndim in (2, 4) and len(raw) == len(z):
                    return call, raw
                reasons.append(f"it gives a tensor of shape {tuple(raw.shape)}")
            except (RuntimeError, TypeError, ValueError, IndexError, AttributeError) as error:
                reasons.append((str(error).splitlines() or [type(error).__name__])[0][:200])
    raise ExportError(f"The decoder cannot be called with {tuple(z.shape)} latents: {reasons[0]}.")


def _call(
    decoder: Callable[..., Any],
    latent: Callable[[Tensor], Tensor],
    label: Callable[[Tensor], Tensor] | None,
) -> Callable[..., Tensor]:
    def call(z: Tensor, y: Tensor | None = None) -> Tensor:
        if label is None or y is None:
            return _first(decoder(latent(z)))
        return _first(decoder(latent(z), label(y)))

    return call


def _first(result: Any) -> Tensor:
    result = result[0] if isinstance(result, (tuple, list)) else getattr(result, "sample", result)
    tensor: Tensor = result
    return tensor


def _as_pictures(raw: Tensor) -> Tensor:
    """(N, C, H, W) as it is; flat (N, H*W) as squares of one or three channels."""
    if raw.ndim == 4:
        return raw
    for channels in (1, 3):
        side = round((raw.shape[1] / channels) ** 0.5)
        if side * side * channels == raw.shape[1]:
            return raw.reshape(len(raw), channels, side, side)
    raise ExportError(f"The decoder gives {raw.shape[1]} values, which are no square picture.")


def _decoder_module(
    decoder: Callable[..., Any], call: Callable[..., Tensor], image: ImageSpec
) -> nn.Module:
    import torch
    from torch import nn

    low, high = image.range
    shape = (-1, image.channels, image.height, image.width)

    class Decoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = nn.ModuleList(_modules_of(decoder))

        def forward(self, z: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
            raw = call(z, y).float().reshape(shape)
            levels = torch.round(((raw - low) * (255.0 / (high - low))).clamp(0.0, 255.0))
            return raw, levels.to(torch.uint8).permute(0, 2, 3, 1)

    return Decoder().eval()


def _encoder_graph(
    encoder: Callable[..., Any], x: Tensor, y: Tensor | None, spec: Spec, name: str
) -> bytes:
    """The encoder as ONNX: ``x`` and ``y`` to ``mean`` and ``logvar``, each (N, D)."""
    import torch
    from torch import nn

    dim = spec.latent.dim

    def encode(x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        result = encoder(x) if y is None else encoder(x, y)
        if isinstance(result, (tuple, list)):
            mean = result[0]
            logvar = result[1] if len(result) > 1 else torch.full_like(mean, POINT_LOGVAR)
        elif result.shape[-1] == 2 * dim:
            mean, logvar = result.chunk(2, dim=-1)
        else:
            mean, logvar = result, torch.full_like(result, POINT_LOGVAR)
        return mean.reshape(-1, dim).float(), logvar.reshape(-1, dim).float()

    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = nn.ModuleList(_modules_of(encoder))

        def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
            return encode(x, y)

    try:
        mean, logvar = encode(x, y)
    except (RuntimeError, TypeError, ValueError, IndexError, AttributeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise ExportError(
            f"The encoder cannot be called with the decoder's pictures: {reason}."
        ) from error
    names = ["x"] if y is None else ["x", "y"]
    inputs = (x,) if y is None else (x, y)
    data = _trace(Encoder().eval(), inputs, names, ["mean", "logvar"])
    spread = float(mean.abs().max()) + 1.0
    feed = dict(zip(names, inputs, strict=True))
    _compare(data, feed, {"mean": mean, "logvar": logvar}, (0.0, spread), name)
    return data


def _trace(
    module: nn.Module, inputs: tuple[Tensor, ...], names: Sequence[str], outputs: Sequence[str]
) -> bytes:
    import torch

    buffer = io.BytesIO()
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # The exporter warns of its own internals; what it writes is compared afterwards.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module,
                inputs,
                buffer,  # type: ignore[arg-type]
                input_names=list(names),
                output_names=list(outputs),
                dynamic_axes={name: {0: "batch"} for name in [*names, *outputs]},
                opset_version=OPSET,
                dynamo=False,
            )
    except Exception as error:  # the exporter's errors share no narrower class
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise ExportError(f"The network cannot be expressed in ONNX: {reason}.") from error
    finally:
        log.setLevel(level)
    return buffer.getvalue()


def _compare(
    data: bytes,
    feed: Mapping[str, Tensor],
    expected: Mapping[str, Tensor],
    value_range: tuple[float, float],
    name: str,
) -> None:
    """Refuse a graph that computes something else than the modules, alone or in a batch."""
    from genviewer.io.programs.run_onnx import open_session

    session = open_session(data, {}, 1)
    allowed = TOLERANCE * (value_range[1] - value_range[0])
    for rows in (slice(0, 1), slice(None)):
        arrays = {key: value[rows].numpy() for key, value in feed.items()}
        try:
            outputs: list[NDArray[Any]] = session.run(list(expected), arrays)
        except Exception as error:  # ONNX Runtime's errors share no narrower class
            raise ExportError(
                f"{name} does not run as ONNX: does it depend on the number of samples?"
            ) from error
        for found, wanted in zip(outputs, expected.values(), strict=True):
            if found.size != wanted[rows].numel():
                raise ExportError(f"{name} does not draw one picture per latent as ONNX.")
            difference = np.abs(found - wanted[rows].reshape(found.shape).numpy())
            if not float(difference.max(initial=0.0)) <= allowed:
                raise ExportError(
                    f"{name} computes something else as ONNX (difference {difference.max():.2g}): "
                    "is it random, or does it depend on the number of samples?"
                )
