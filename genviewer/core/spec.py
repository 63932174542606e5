"""What a model can do. The interface is built from it, never from a model's type."""

from __future__ import annotations

from typing import Literal

import msgspec

Family = Literal["vae", "gan", "autoencoder", "decoder"]
Prior = Literal["normal", "uniform", "truncated_normal", "none"]
ConditionKind = Literal["class", "attributes", "continuous", "text"]


class LatentSpec(msgspec.Struct, frozen=True):
    """The latent space: D continuous dimensions, the prior, and the spaces it can be given in."""

    dim: int
    prior: Prior = "normal"
    spaces: tuple[str, ...] = ("z",)


class SynthesisSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a model reads of a Recipe beside latent, condition and the truncation of latents.

    Attributes:
        w_dim: the size of its ``w`` space, in which truncation then acts; 0 if it has none.
        statistics: truncation selects batch-norm statistics, beside scaling the latent.
        transform: its input can be shifted and turned.
        z: the latents that are drawn from the prior, in a Spec that describes another space.
    """

    w_dim: int = 0
    statistics: bool = False
    transform: bool = False
    z: LatentSpec | None = None


class ConditionSpec(msgspec.Struct, frozen=True):
    """One condition: its name, kind, number of classes or values, and their names.

    ``optional`` says that the model was trained with this condition left empty ("any") too.
    ``low`` and ``high`` are the useful range of attributes and continuous values.
    """

    name: str
    kind: ConditionKind
    size: int
    names: tuple[str, ...] | None = None
    optional: bool = False
    low: float = 0.0
    high: float = 1.0

    def label(self, index: int) -> str:
        """What to call one class or value."""
        return self.names[index] if self.names is not None else str(index)


class ImageSpec(msgspec.Struct, frozen=True):
    """Channels (1, 3 or 4), size in pixels, and the value range of the network's raw output."""

    channels: int
    height: int
    width: int
    range: tuple[float, float] = (0.0, 1.0)


class Spec(msgspec.Struct, frozen=True):
    """What a model can do.

    ``layers`` counts those that take a style, ``noise`` says that there are noise inputs, and
    ``synthesis`` is set for models that read more of a Recipe than latent and condition.
    """

    name: str
    family: Family
    latent: LatentSpec
    image: ImageSpec
    conditions: tuple[ConditionSpec, ...] = ()
    encoder: bool = False
    density: bool = False
    discriminator: bool = False
    truncation: bool = True
    noise: bool = False
    layers: int = 0
    synthesis: SynthesisSpec | None = None

    @property
    def truncates_styles(self) -> bool:
        """Whether truncation acts in ``w``, and leaves ``z`` as it is."""
        return self.synthesis is not None and self.synthesis.w_dim > 0

    def of_space(self, space: str) -> Spec:
        """The Spec as it is for latents of a space: with their size, and no prior of their own.

        Spaces that the model does not have leave it as it is.
        """
        if self.synthesis is None:
            return self
        z = self.prior_latent
        if space == "w" and space in z.spaces and self.synthesis.w_dim:
            latent = LatentSpec(self.synthesis.w_dim, "none", z.spaces)
            synthesis = msgspec.structs.replace(self.synthesis, z=z)
        else:
            latent, synthesis = z, msgspec.structs.replace(self.synthesis, z=None)
        return msgspec.structs.replace(self, latent=latent, synthesis=synthesis)

    @property
    def prior_latent(self) -> LatentSpec:
        """The latents that are drawn from the prior, whichever space this Spec describes."""
        known = self.synthesis.z if self.synthesis is not None else None
        return self.latent if known is None else known

    @property
    def condition_size(self) -> int:
        """Length of a packed condition row."""
        return sum(c.size for c in self.conditions if c.kind != "text")

    @property
    def must_be_told(self) -> tuple[str, ...]:
        """Names of the conditions beside the class that cannot be left empty."""
        known = self.class_condition
        return tuple(c.name for c in self.conditions if c is not known and not c.optional)

    @property
    def bounds_px(self) -> bool:
        """Whether p(x) can be bounded: there is a density with its encoder, and no condition, or a
        class that can be summed over.
        """
        summed = self.class_condition is not None and not self.must_be_told
        return self.density and self.encoder and (summed or not self.conditions)

    @property
    def class_condition(self) -> ConditionSpec | None:
        """The first condition of kind ``class``, if any."""
        return next((c for c in self.conditions if c.kind == "class"), None)
