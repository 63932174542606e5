"""Draws with torch: the engine that always works, on every device."""

from __future__ import annotations

import threading
import warnings
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from genviewer.engine.device import usable_cores
from genviewer.engine.generator import (
    NOT_FINITE,
    Bytes,
    DecodeError,
    Floats,
    LoadError,
    checked_inputs,
)
from genviewer.nets.families import build
from genviewer.nets.folding import folded

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from genviewer.core.recipe import ModelRef
    from genviewer.core.spec import Spec
    from genviewer.core.synthesis import Synthesis
    from genviewer.io.bundle import Bundle

MAX_THREADS = 8
SIZE_SHARE, SIZE_SLACK = 4, 1 << 20
"""A network may have buffers that its weights leave out, but not many."""
MAX_CHUNK_PIXELS = 1 << 17

_thread = threading.local()


def use_threads(count: int) -> None:
    """Let torch use ``count`` threads for what the calling thread computes.

    torch keeps this number per thread: a change elsewhere does not reach a running thread.
    """
    if getattr(_thread, "count", None) != count:
        torch.set_num_threads(count)
        _thread.count = count


def load_network(bundle: Bundle) -> nn.Module:
    """The bundle's whole network in evaluation mode on the CPU, encoder and all.

    Raises:
        LoadError: if the weights and the configuration do not fit each other.
    """
    try:
        check_size(bundle)
        network = build(bundle.config.network)
    except ValueError as error:
        raise LoadError(f"{bundle.spec.name}: {error}.") from error
    take_weights(network, bundle)
    return network.eval().requires_grad_(False)


def take_weights(network: nn.Module, bundle: Bundle) -> None:
    """Give a network, which was built as the bundle's configuration says, the bundle's weights.

    Raises:
        LoadError: they cannot be read, or do not fit; some may be in the network then.
    """
    from safetensors import SafetensorError

    name = bundle.spec.name
    try:
        network.load_state_dict(_state_dict(bundle))
    except ValueError as error:
        raise LoadError(f"{name}: {error}.") from error
    except (RuntimeError, SafetensorError) as error:
        raise LoadError(f"{name}: the weights do not fit the network in its config.") from error
    except OSError as error:
        raise LoadError(f"{name}: the weights cannot be read: {error.strerror}.") from error


def check_size(bundle: Bundle) -> None:
    """Refuse a configuration whose network has many more values than the weights, before it is
    built: built without memory, it tells its size.

    Raises:
        LoadError: if it has.
        ValueError: if it cannot be built.
    """
    with torch.device("meta"):
        outline = build(bundle.config.network)
    values = sum(t.numel() for t in (*outline.parameters(), *outline.buffers()))
    if values > SIZE_SHARE * bundle.parameters + SIZE_SLACK:
        raise LoadError(
            f"{bundle.spec.name}: its configuration asks for a network of {values:,} values, and "
            f"the weights have {bundle.parameters:,}."
        )


def _state_dict(bundle: Bundle) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    if bundle.arrays is None:
        return load_file(bundle.weights_path)
    with warnings.catch_warnings():
        # Arrays of a mapped file are read-only; they are copied into the network, never written.
        warnings.simplefilter("ignore", UserWarning)
        return {name: torch.from_numpy(array) for name, array in bundle.tensors().items()}


def load_torch(bundle: Bundle, device: str, threads: int | None = None) -> TorchGenerator:
    """The bundle as a generator on ``device``; LoadError if it cannot be."""
    return TorchGenerator(load_network(bundle), bundle.spec, bundle.ref, device, threads)


class TorchGenerator:
    """A torch network that decodes.

    Out of GPU memory, it goes on with smaller chunks, then on the CPU, and says so in ``notices``.

    Args:
        network: with ``decode(z, y)``; it is copied, so it may be trained on.
        spec, ref: what it can do, and how Recipes cite it.
        device: ``cpu``, ``cuda:N`` or ``mps``.
        threads: threads of one decode on the CPU; None uses the cores there are.
    """

    engine = "torch"

    def __init__(
        self,
        network: nn.Module,
        spec: Spec,
        ref: ModelRef,
        device: str = "cpu",
        threads: int | None = None,
    ) -> None:
        self.spec = spec
        self.ref = ref
        self.device = device
        self.threads = threads if threads is not None else min(usable_cores(), MAX_THREADS)
        self.notices: list[str] = []
        image = spec.image
        self._largest_chunk = 1 << 30
        if spec.synthesis is not None and device == "cpu":
            # Many wide layers at full size: a batch gains nothing there, needs much memory, and
            # keeps whoever else draws waiting.
            self._largest_chunk = max(1, MAX_CHUNK_PIXELS // (image.height * image.width))
        self._lock = threading.Lock()  # a move to another device must not meet a decode
        self._network = folded(network).requires_grad_(False)
        self._network.to(device)
        for parameter in self._network.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)

    @property
    def model_id(self) -> str:
        """The id of the model that draws."""
        return self.ref.id

    def decode(self, z: Floats, y: Floats | None, how: Synthesis | None = None) -> Floats:
        """Raw output float32 (N, C, H, W) in the Spec's range.

        ``how`` is for models whose Spec has a ``synthesis``; ``z`` is in its space.
        """
        return self._in_chunks(z, y, how, lambda raw: raw.contiguous())

    def decode_pixels(self, z: Floats, y: Floats | None, how: Synthesis | None = None) -> Bytes:
        """Samples uint8 (N, H, W, C), made so on the device: a quarter of the bytes to copy."""
        return self._in_chunks(z, y, how, self._to_pixels)

    def map_to_w(self, z: Floats, y: Floats | None) -> Floats:
        """Latents of the space ``w``, float32 (N, W), that draw the same as ``z`` (N, D).

        It does not wait for a decode that is under way.

        Raises:
            DecodeError: if the inputs do not fit.
        """
        z, y = checked_inputs(self.spec, z, y)
        use_threads(self.threads)
        with torch.inference_mode():
            latents = torch.tensor(z, device=self.device)
            conditions = None if y is None else torch.tensor(y, device=self.device)
            styles: Tensor = self._network.map_to_w(latents, conditions)  # type: ignore[operator]
            array: Floats = styles.cpu().numpy()
        return array

    def average_w(self) -> Floats:
        """The latent float32 (W,) that truncation moves towards."""
        average = self._network.get_buffer("mapping.w_avg")
        array: Floats = average.detach().cpu().numpy()
        return array

    def _to_pixels(self, raw: Tensor) -> Tensor:
        low, high = self.spec.image.range
        levels = (raw - low).mul_(255.0 / (high - low)).clamp_(0.0, 255.0).round_()
        return levels.to(torch.uint8).permute(0, 2, 3, 1).contiguous()

    def _in_chunks(
        self,
        z: Floats,
        y: Floats | None,
        how: Synthesis | None,
        finish: Callable[[Tensor], Tensor],
    ) -> NDArray[Any]:
        z, y = checked_inputs(self.spec, z, y, "z" if how is None else how.space)
        parts = []
        at = 0
        while at < len(z):
            end = min(len(z), at + self._largest_chunk)
            try:
                # On the CPU there is nowhere to move to, and nobody waits for another's decode.
                with nullcontext() if self.device == "cpu" else self._lock:
                    rows = None if y is None else y[at:end]
                    parts.append(self._chunk(z[at:end], rows, how, finish))
            except DecodeError:
                raise
            except RuntimeError as error:
                if not _out_of_memory(error):
                    reason = str(error).splitlines()[0][:200] if str(error) else "no reason given"
                    raise DecodeError(f"torch could not draw: {reason}") from error
                with self._lock:
                    self._make_room(end - at, error)
                continue
            at = end
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _chunk(
        self,
        z: Floats,
        y: Floats | None,
        how: Synthesis | None,
        finish: Callable[[Tensor], Tensor],
    ) -> NDArray[Any]:
        use_threads(self.threads)
        with torch.inference_mode():
            latents = torch.tensor(z, device=self.device)
            conditions = None if y is None else torch.tensor(y, device=self.device)
            more = () if how is None else (how,)
            raw: Tensor = self._network.decode(latents, conditions, *more)  # type: ignore[operator]
            image = self.spec.image
            if tuple(raw.shape) != (len(z), image.channels, image.height, image.width):
                raise DecodeError("The model returned a picture of another size than it says.")
            finite = torch.isfinite(raw.sum(dtype=torch.float32))
            result = _on_cpu(finish(raw))
            if not bool(finite):
                raise DecodeError(NOT_FINITE)
        array: NDArray[Any] = result.numpy()
        return array

    def _make_room(self, tried: int, error: Exception) -> None:
        """Halve the chunks after an attempt with ``tried`` samples, then leave the GPU."""
        if self.device == "cpu":
            raise DecodeError("There is not enough memory to draw.") from error
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()
        if tried > 1:
            self._largest_chunk = tried // 2
            notice = "The GPU ran out of memory: drawing fewer samples at a time."
        else:
            self._largest_chunk = 1 << 30
            self._network.to("cpu")
            self.device = "cpu"  # from here on nobody waits, so the network has to be there
            notice = "The GPU ran out of memory: drawing on the CPU."
        if notice not in self.notices:
            self.notices.append(notice)


def _out_of_memory(error: RuntimeError) -> bool:
    # Only CUDA has an exception of its own for it; Apple's backend and the CPU say it in words.
    text = str(error)
    return isinstance(error, torch.OutOfMemoryError) or (
        "out of memory" in text or "can't allocate memory" in text
    )


def _on_cpu(result: Tensor) -> Tensor:
    if result.device.type != "cuda":
        return result.cpu()
    # A copy to pinned memory runs at the bus's full rate; the wait is for this stream only.
    pinned = torch.empty(result.shape, dtype=result.dtype, pin_memory=True)
    pinned.copy_(result, non_blocking=True)
    torch.cuda.current_stream(result.device).synchronize()
    return pinned
