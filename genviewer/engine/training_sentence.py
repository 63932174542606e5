"""What a training is doing, in one plain sentence, from its recent losses."""

from __future__ import annotations

import math
from statistics import variance
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MINUS = "\N{MINUS SIGN}"
CONFIDENT, DOUBTFUL = 0.95, 0.05  # a discriminator this sure of both is winning
FOOLED = 0.1  # how close D(real) and D(fake) are where it can no longer tell
UNSURE = 0.3, 0.7  # probabilities that say neither yes nor no
RECENT = 10  # rows that count as now
TREND = 0.01  # of the ELBO: less than this between two halves is standing still
SURE = 2.0  # standard errors that a trend is longer than
SPIKE = 10.0  # times the usual gradient


def describe(rows: Sequence[Mapping[str, float]]) -> str:
    """One sentence on the last rows of losses, oldest first; empty if they say nothing.

    Rows may hold ``d_real`` and ``d_fake`` (probabilities), ``elbo`` and ``kl`` (nats per image),
    ``gradient_norm``; what is absent is not spoken of.
    """
    if not rows:
        return ""
    recent = rows[-RECENT:]
    if "d_real" in recent[-1] and "d_fake" in recent[-1]:
        return _of_a_gan(_mean(recent, "d_real"), _mean(recent, "d_fake"))
    if "elbo" in recent[-1]:
        return _of_a_vae(rows)
    return ""


def _of_a_gan(real: float, fake: float) -> str:
    told = f"D(real) {real:.2f}, D(fake) {fake:.2f}"
    if real > CONFIDENT and fake < DOUBTFUL:
        return (
            f"The discriminator wins: {told}. The generator learns little from it; a lower "
            "discriminator rate or more augmentation helps."
        )
    if fake > real + FOOLED:
        return f"The discriminator is misled: {told}. It takes drawn images for real ones."
    if abs(real - fake) <= FOOLED:
        if max(real, fake) < UNSURE[0]:
            return f"Real images pass for drawn: {told}."
        if min(real, fake) > UNSURE[1]:
            return f"Drawn images pass for real: {told}."
        return f"The discriminator is unsure: {told}."
    return f"Both players keep up: {told}."


def _of_a_vae(rows: Sequence[Mapping[str, float]]) -> str:
    half = len(rows) // 2
    elbo = _mean(rows[-RECENT:], "elbo")
    told = f"ELBO {elbo:.1f} nats per image".replace("-", MINUS)
    if _spikes(rows):
        return f"The gradients jump: {told}. A lower learning rate is steadier."
    if "kl" in rows[-1] and _mean(rows[-RECENT:], "kl") < 0.1:
        return f"The latent is hardly used (KL {_mean(rows[-RECENT:], 'kl'):.2f}): {told}."
    if half < RECENT:
        return f"So far: {told}."  # a run that was resumed is judged anew
    gain = _mean(rows[half:], "elbo") - _mean(rows[:half], "elbo")
    least = max(TREND * max(abs(elbo), 1.0), SURE * _noise(rows, half))
    if gain > least:
        return f"It is still learning: {told}."
    if gain < -least:
        return f"It is getting worse: {told}."
    return f"It has settled: {told}."


def _spikes(rows: Sequence[Mapping[str, float]]) -> bool:
    norms = sorted(row["gradient_norm"] for row in rows if "gradient_norm" in row)
    return (
        len(norms) >= RECENT and rows[-1].get("gradient_norm", 0.0) > SPIKE * norms[len(norms) // 2]
    )


def _noise(rows: Sequence[Mapping[str, float]], half: int) -> float:
    """The standard error of the difference between the two halves' mean bounds."""
    total = 0.0
    for part in (rows[:half], rows[half:]):
        values = [row["elbo"] for row in part if "elbo" in row]
        if len(values) > 1:
            total += variance(values) / len(values)
    return math.sqrt(total)


def _mean(rows: Sequence[Mapping[str, float]], name: str) -> float:
    values = [row[name] for row in rows if name in row]
    return sum(values) / len(values) if values else 0.0
