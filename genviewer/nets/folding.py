"""Batch normalisation folded into the convolution before it, for networks that only decode."""

from __future__ import annotations

import copy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from genviewer.nets.chain import Chain
from genviewer.nets.modulation import ModulatedConv
from genviewer.nets.residual import ResidualBlock


def folded(network: nn.Module) -> nn.Module:
    """A copy in evaluation mode that only decodes, without batch normalisation after convolutions.

    It decodes the same up to rounding, and a module named ``encoder`` is left out. The copy's state
    dict has other names than the original's.
    """
    encoder = getattr(network, "encoder", None)
    result = copy.deepcopy(network, {} if encoder is None else {id(encoder): None}).eval()
    if isinstance(result, Chain):
        result.fold()
        return result
    for module in list(result.modules()):
        if isinstance(module, ModulatedConv):
            module.freeze()
        if isinstance(module, ResidualBlock):
            if isinstance(module.first_norm, nn.BatchNorm2d):
                module.first = fuse_conv_bn_eval(module.first, module.first_norm)
                module.first_norm = nn.Identity()
            if isinstance(module.second_norm, nn.BatchNorm2d):
                module.second = fuse_conv_bn_eval(module.second, module.second_norm)
                module.second_norm = nn.Identity()
        elif isinstance(module, nn.Sequential):
            _fold_sequence(module)
    return result


def _fold_sequence(sequence: nn.Sequential) -> None:
    for index in range(len(sequence) - 1):
        conv, norm = sequence[index], sequence[index + 1]
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            sequence[index] = fuse_conv_bn_eval(conv, norm)
            sequence[index + 1] = nn.Identity()
