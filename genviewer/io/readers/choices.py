"""What a reading of layers leaves open, and the network's config once it is chosen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from genviewer.io.readers.lines import HIDDEN, OPEN_EPS, OUTPUT, Line, replaced
from genviewer.nets import chain_steps as chain
from genviewer.nets.chain_config import ChainConfig, EncoderConfig
from genviewer.nets.chain_steps import Activation, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from genviewer.io.readers.reading import Reading

V = TypeVar("V")
Prior = Literal["normal", "uniform", "none"]

RELU = Activation("relu")
ACTIVATIONS: dict[str, Activation | None] = {
    "relu": RELU,
    "leaky_relu:0.2": Activation("leaky_relu", 0.2),
    "leaky_relu:0.01": Activation("leaky_relu", 0.01),
    "elu": Activation("elu", 1.0),
    "tanh": Activation("tanh"),
    "gelu": Activation("gelu"),
    "silu": Activation("silu"),
    "selu": Activation("selu"),
    "softplus": Activation("softplus"),
    "mish": Activation("mish"),
    "sigmoid": Activation("sigmoid"),
    "none": None,
}
FINALS: dict[str, Activation | None] = {
    "sigmoid": Activation("sigmoid"),
    "tanh": Activation("tanh"),
    "none": None,
}


@dataclass(frozen=True)
class Choices:
    """One choice for everything that is open.

    Attributes:
        line: the decoder's steps, which of the reading's lines.
        hidden: activations of the decoder's holes, one for all or one each.
        encoder_hidden: that of the encoder's.
        final: the last activation.
        eps: of the decoder's norms, one for all or one each.
        order: where a concatenated condition stands.
        join: how a condition as long as the latent is joined.
        unflatten: the order of values when a vector becomes a picture.
        split: how a fused head is read.
        prior: what latents are drawn from.
        encoder_line: which of the encoder's lines.
    """

    line: Line
    hidden: tuple[Activation | None, ...] = (RELU,)
    encoder_hidden: Activation | None = RELU
    final: Activation | None = None
    eps: tuple[float, ...] = (1e-5,)
    order: Literal["z_first", "condition_first"] = "z_first"
    join: Literal["multiply", "add"] = "multiply"
    unflatten: Literal["chw", "hwc"] = "chw"
    split: Literal["halves", "interleaved"] = "halves"
    prior: Prior = "normal"
    encoder_line: int = 0

    @property
    def holes(self) -> int:
        """Activations that are open; those on a condition's own way take the first's."""
        return sum(step == HIDDEN for step in self.line.steps)

    @property
    def norms(self) -> int:
        """Norms whose epsilon is open."""
        return sum(getattr(step, "eps", None) == OPEN_EPS for step in self.line.steps)

    def with_hole(self, index: int, activation: Activation | None) -> Choices:
        """Another activation in one place."""
        values = list(spread(self.hidden, self.holes))
        values[index] = activation
        return replace(self, hidden=tuple(values))


def spread(values: tuple[V, ...], count: int) -> tuple[V, ...]:
    """One value for all places, or one each."""
    return values * count if len(values) == 1 else values


def activation_name(activation: Activation | None) -> str:
    """As ``--set activation`` takes it."""
    if activation is None:
        return "none"
    if activation.kind == "leaky_relu":
        return f"leaky_relu:{activation.slope:g}"
    return activation.kind


def comparable(choices: Choices, name: str) -> Any:
    """A field, so that what cannot be told apart is equal."""
    value = getattr(choices, name)
    if name == "line":
        return value.steps
    if name == "hidden":
        return tuple(_twin(h) for h in value)[:1]
    if name == "encoder_hidden":
        return _twin(value)
    if name == "final":
        return activation_name(value)
    if name == "eps":
        return value[-1]
    return value


def _twin(activation: Activation | None) -> str:
    """A name that ReLU and a hardly leaky one share: they cannot be told apart, nor seen."""
    name = activation_name(activation)
    return "relu" if name == "leaky_relu:0.01" else name


def assemble(reading: Reading, choices: Choices) -> ChainConfig:
    """The network's config.

    Raises:
        ValueError: the choices do not fit each other.
    """
    decoder = decoder_steps(choices)
    encoder: EncoderConfig | None = None
    if reading.encoder is not None:
        table = reading.encoder.config(choices.split, choices.encoder_line)
        fill = _Filling(iter(()), iter(()), choices)
        encoder = EncoderConfig(
            tuple(fill.encoder(table.steps)),
            tuple(fill.encoder(table.mean)),
            tuple(fill.encoder(table.scale)),
            table.split,
            table.kind,
        )
    bernoulli = choices.final is not None and choices.final.kind == "sigmoid"
    image = choices.line.shape
    return ChainConfig(
        reading.decoder.latent,
        (image[0], image[1], image[2]),
        decoder,
        tuple(condition.size for condition in reading.decoder.conditions),
        encoder,
        "bernoulli" if bernoulli and encoder is not None else "none",
    )


def decoder_steps(choices: Choices) -> tuple[Step, ...]:
    """The decoder's steps with everything chosen."""
    hidden = spread(choices.hidden, choices.holes)
    eps = spread(choices.eps, choices.norms)
    fill = _Filling(iter(hidden), iter(eps), choices)
    return tuple(fill.decoder(choices.line.steps))


class _Filling:
    def __init__(
        self, hidden: Iterator[Activation | None], eps: Iterator[float], choices: Choices
    ) -> None:
        self._hidden, self._eps, self._choices = hidden, eps, choices

    def decoder(self, steps: Iterable[Step], inside: bool = False) -> Iterator[Step]:
        choices = self._choices
        for step in steps:
            if step == HIDDEN:
                activation = choices.hidden[0] if inside else next(self._hidden)
                if activation is not None:
                    yield activation
            elif step == OUTPUT:
                if choices.final is not None:
                    yield choices.final
            elif getattr(step, "eps", None) == OPEN_EPS:
                yield replaced(step, eps=choices.eps[0] if inside else next(self._eps))
            elif isinstance(step, chain.Merge):
                how = step.how
                if how == "multiply":
                    how = choices.join
                elif choices.order == "condition_first":
                    how = "before"
                yield replaced(step, how=how, steps=tuple(self.decoder(step.steps, True)))
            elif isinstance(step, chain.Reshape) and step.shape[0] > 4 and not inside:
                yield replaced(step, order=choices.unflatten)
            else:
                yield step

    def encoder(self, steps: Iterable[Step]) -> Iterator[Step]:
        for step in steps:
            if step == HIDDEN:
                if self._choices.encoder_hidden is not None:
                    yield self._choices.encoder_hidden
            elif getattr(step, "eps", None) == OPEN_EPS:
                yield replaced(step, eps=1e-5)
            elif isinstance(step, chain.Merge):
                yield replaced(step, steps=tuple(self.encoder(step.steps)))
            else:
                yield step
