"""The weights that a training begins with: those of any model that can be opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError

from genviewer.engine.train_config import TrainingError
from genviewer.io.bundle import BundleError
from genviewer.io.foreign.budget import clean
from genviewer.io.library import ModelNotFoundError, open_model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from genviewer.io.bundle import Bundle

_SHOWN = 80  # characters of a tensor's name


def read_base(
    source: str, settings: Mapping[str, str] | None = None
) -> tuple[Bundle, dict[str, Tensor]]:
    """A MODEL and its state dict, copied.

    Raises:
        TrainingError: it cannot be opened or read.
    """
    try:
        bundle = open_model(source, settings)
        # Copies: arrays of a mapped file must not be written to.
        return bundle, {name: torch.tensor(array) for name, array in bundle.tensors().items()}
    except (BundleError, ModelNotFoundError) as error:
        raise TrainingError(str(error)) from error
    except OSError as error:
        raise TrainingError(f"{source} cannot be read: {error.strerror or error}.") from error
    except (SafetensorError, ValueError) as error:
        reason = clean(str(error), 200).removesuffix(".")
        raise TrainingError(f"The weights of {source} cannot be read: {reason}.") from error


def take_weights(
    network: nn.Module, weights: dict[str, Tensor], source: str, *, whole: bool = True
) -> None:
    """Give a network the weights of ``source``; without ``whole`` they may be some of them.

    Raises:
        TrainingError: they are another network's.
    """
    try:
        network.load_state_dict(weights, strict=whole)
    except RuntimeError as error:
        own = network.state_dict()
        wrong = [name for name in own if whole and name not in weights]
        wrong += [n for n, w in weights.items() if n not in own or own[n].shape != w.shape]
        found = f"{len(wrong)} tensors are missing, unknown or of another shape"
        if wrong:
            found += f", such as {clean(wrong[0], _SHOWN)}"
        raise TrainingError(f"The weights of {source} do not fit the network: {found}.") from error
