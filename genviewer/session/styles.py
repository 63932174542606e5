"""What a person does to models that read more than a latent and a condition, as edits. No Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from genviewer.core.condition import pack
from genviewer.core.latent import Latent
from genviewer.core.prior import draw
from genviewer.core.synthesis import Mix, Noise, Transform

if TYPE_CHECKING:
    from collections.abc import Hashable

    from genviewer.core.condition import Condition
    from genviewer.core.spec import Spec
    from genviewer.session.session import Session

Floats = NDArray[np.float32]


class StyleMap(Protocol):
    """What is needed of a generator to go from ``z`` to ``w``."""

    def map_to_w(self, z: Floats, y: Floats | None) -> Floats:
        """Styles float32 (N, W) of latents (N, D) and packed conditions (N, K)."""
        ...

    def average_w(self) -> Floats:
        """The average style float32 (W,)."""
        ...


class Styles:
    """The maps from ``z`` to ``w`` of the models that are loaded, and where each came from ``z``.

    Attributes:
        maps: by model id.
    """

    def __init__(self) -> None:
        self.maps: dict[str, StyleMap] = {}
        self._left: dict[str, Latent] = {}
        self._spec: tuple[Spec, str, Spec] | None = None

    def spec_of(self, spec: Spec, space: str) -> Spec:
        """The Spec for a space; the same object until either changes."""
        if spec.synthesis is None:
            return spec
        known = self._spec
        if known is None or known[0] is not spec or known[1] != space:
            known = self._spec = (spec, space, spec.of_space(space))
        return known[2]

    def to_w(self, model_id: str, z: Floats, condition: Condition, spec: Spec) -> Latent | None:
        """The style of a latent; None while the model is not loaded."""
        found = self.maps.get(model_id)
        if found is None:
            return None
        y = pack(condition, spec)[None] if spec.condition_size else None
        return Latent(found.map_to_w(z[None], y)[0], "w")

    def leave_z(self, model_id: str, latent: Latent) -> None:
        """Remember where a model was in ``z``."""
        self._left[model_id] = latent

    def left_z(self, model_id: str) -> Latent | None:
        """Where it was when ``z`` was left."""
        return self._left.get(model_id)


def set_space(session: Session, space: str) -> bool:
    """Give the latent in another space; False where that cannot be done now.

    From ``z`` to ``w`` the picture stays. There is no way back but to the ``z`` that was left, or
    to that of the current seed.
    """
    spec, recipe, model = session.spec, session.scene.recipe, session.scene.model
    if spec is None or space == recipe.latent.space or space not in spec.latent.spaces:
        return False
    if space == "w":
        latent = session.styles.to_w(model.id, recipe.latent.array, recipe.condition, spec)
        if latent is None:
            return False
        session.styles.leave_z(model.id, recipe.latent)
    else:
        seeded = Latent(draw(spec.prior_latent, session.controls.seed))
        latent = session.styles.left_z(model.id) or seeded
    session.edit_recipe(msgspec.structs.replace(recipe, latent=latent))
    return True


def fresh(session: Session, seed: int) -> Floats | None:
    """The latent of a seed in a space without a prior of its own; None in ``z``."""
    spec, recipe, model = session.spec, session.scene.recipe, session.scene.model
    if spec is None or recipe.latent.space != "w":
        return None
    z = draw(spec.prior_latent, seed)
    latent = session.styles.to_w(model.id, z, recipe.condition, spec)
    return None if latent is None else latent.array


def center(session: Session) -> Floats | None:
    """The middle of a space that has no prior of its own; None in ``z``."""
    found = session.styles.maps.get(session.scene.model.id)
    if session.scene.recipe.latent.space != "w" or found is None:
        return None
    return found.average_w()


def set_cutoff(session: Session, cutoff: int | None, key: Hashable | None = None) -> None:
    """Truncate the layers below ``cutoff`` only; None truncates all."""
    recipe = msgspec.structs.replace(session.scene.recipe, truncation_cutoff=cutoff)
    session.edit_recipe(recipe, key)


def set_noise(
    session: Session, noise: Noise, strength: float = 1.0, key: Hashable | None = None
) -> None:
    """What the noise inputs get, and how much of it."""
    recipe = session.scene.recipe
    session.edit_recipe(msgspec.structs.replace(recipe, noise=noise, noise_strength=strength), key)


def set_mix(session: Session, mix: Mix | None, key: Hashable | None = None) -> None:
    """Let some layers take their style from a second latent; None lets none."""
    session.edit_recipe(msgspec.structs.replace(session.scene.recipe, mix=mix), key)


def mix_with_seed(
    session: Session, seed: int, first: int, last: int, key: Hashable | None = None
) -> None:
    """Mix with the latent of a seed."""
    spec = session.spec
    if spec is not None:
        latent = Latent(draw(spec.prior_latent, seed))
        set_mix(session, Mix(latent, first, last), key)


def mix_with_pin(
    session: Session, number: int, first: int, last: int, key: Hashable | None = None
) -> bool:
    """Mix with a pin's latent; False where that is not one of this model."""
    pin, spec = session.pin(number), session.spec
    if pin is None or spec is None or pin.pane.model.id != session.scene.model.id:
        return False
    set_mix(session, Mix(pin.pane.recipe.latent, first, last), key)
    return True


def set_transform(
    session: Session, transform: Transform | None, key: Hashable | None = None
) -> None:
    """Shift and turn the content; None is where it was trained to be."""
    if transform == Transform():
        transform = None
    session.edit_recipe(msgspec.structs.replace(session.scene.recipe, transform=transform), key)
