"""Everything that decides a sample of a model, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from genviewer.core.condition import Condition, one_class
from genviewer.core.latent import Latent
from genviewer.core.prior import draw
from genviewer.core.synthesis import Mix, Noise, Synthesis, Transform

if TYPE_CHECKING:
    from genviewer.core.spec import Spec

T = TypeVar("T")


class Recipe(msgspec.Struct, frozen=True):
    """Latent, Condition, truncation (psi, cutoff layer), noise (``const``, ``none`` or a seed).

    ``noise_strength``, ``mix`` and ``transform`` are for models whose Spec has them, as in
    :class:`~genviewer.core.synthesis.Synthesis`.
    """

    latent: Latent
    condition: Condition = Condition()
    truncation: float = 1.0
    truncation_cutoff: int | None = None
    noise: Noise = "const"
    noise_strength: float = 1.0
    mix: Mix | None = None
    transform: Transform | None = None

    @property
    def synthesis(self) -> Synthesis:
        """What a network that reads more than latent and condition is told."""
        return Synthesis(
            self.latent.space,
            self.truncation,
            self.truncation_cutoff,
            self.noise,
            self.noise_strength,
            self.mix,
            self.transform,
        )


class ModelRef(msgspec.Struct, frozen=True):
    """How a Recipe cites a model: the name for people, the model id for certainty."""

    name: str
    id: str


def default_condition(spec: Spec, index: int = 0) -> Condition:
    """The condition of sample ``index`` where none was asked for: class ``index`` mod K."""
    condition = Condition()
    for wanted in spec.conditions:
        if wanted.kind == "class":
            condition = condition.with_part(one_class(wanted.name, index % wanted.size))
    return condition


def seeded_recipe(spec: Spec, seed: int, index: int = 0) -> Recipe:
    """Sample ``index`` of a run with ``seed``: its latent from ``default_rng(seed + index)``."""
    return Recipe(Latent(draw(spec.latent, seed + index)), default_condition(spec, index))


def _encode_hook(value: Any) -> Any:
    if isinstance(value, Latent):
        return value.to_json()
    raise NotImplementedError(f"{type(value).__name__} has no JSON form")


def _decode_hook(kind: type, value: Any) -> Any:
    if kind is Latent:
        return Latent.from_json(value)
    raise NotImplementedError(f"{kind.__name__} has no JSON form")


def to_json(value: msgspec.Struct) -> bytes:
    """A Recipe, Scene or any Struct that holds them, as JSON."""
    return msgspec.json.encode(value, enc_hook=_encode_hook)


def from_json(data: bytes | str, kind: type[T]) -> T:
    """Inverse of :func:`to_json`.

    Raises:
        ValueError: if the data are not JSON of that kind (msgspec's errors are ValueErrors).
    """
    return msgspec.json.decode(data, type=kind, dec_hook=_decode_hook)
