"""Class weights under edits; a blend always sums to 1. Plain Python, no Qt."""

from __future__ import annotations

Weights = dict[int, float]

SMALLEST = 0.01  # below this a slider or divider does not squeeze a class of a blend


def normalised(weights: Weights) -> Weights:
    """The weights above 0, sorted by class, with a sum of 1; empty where there are none."""
    total = sum(w for w in weights.values() if w > 0)
    return {k: weights[k] / total for k in sorted(weights) if weights[k] > 0}


def toggled(weights: Weights, index: int) -> Weights:
    """The blend with a class added as an equal among them, or taken out; the last one stays."""
    if index in weights:
        rest = normalised({k: w for k, w in weights.items() if k != index})
        return rest or dict(weights)
    return with_share(weights, index, 1.0 / (len(weights) + 1))


def with_share(weights: Weights, index: int, share: float) -> Weights:
    """The blend with one class at ``share`` (0..1), the others keeping their ratios.

    A class that is alone stays alone, whatever the share.
    """
    share = min(max(share, 0.0), 1.0)
    rest = normalised({k: w for k, w in weights.items() if k != index})
    if not rest:
        return {index: 1.0}
    return normalised({**{k: w * (1.0 - share) for k, w in rest.items()}, index: share})


def divided(weights: Weights, left: int, right: int, share: float) -> Weights:
    """The blend with ``left`` at ``share``, its neighbour ``right`` paying for the difference.

    Both keep at least :data:`SMALLEST`.
    """
    both = weights[left] + weights[right]
    low = min(SMALLEST, both / 2)
    share = min(max(share, low), both - low)
    return normalised({**weights, left: share, right: both - share})
