"""Decide what weights do not say: by what was told, by evidence, else by what is usual."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from genviewer.io.bundle import Assumption
from genviewer.io.readers.choices import (
    ACTIVATIONS,
    FINALS,
    Choices,
    activation_name,
    comparable,
)
from genviewer.io.readers.conventions import Usual, usual
from genviewer.io.readers.lines import geometry
from genviewer.io.readers.settings import SettingError
from genviewer.nets import chain_steps as chain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from genviewer.core.spec import Family
    from genviewer.io.readers.layers import Layers
    from genviewer.io.readers.lines import Hints, Line
    from genviewer.io.readers.reading import Reading
    from genviewer.io.readers.settings import Settings
    from genviewer.io.readers.trial import Effort, Tensors
    from genviewer.nets.chain_steps import Activation

LINES_TRIED = 16
FINALISTS = 4
"""Candidates of each kind that are held against each other in the end."""

FINAL_VALUES = 1 << 20
"""Values of a map of all samples together, where finalists are compared."""

FEW_SAMPLES = 48
FITTING = 0.12
"""Mean mismatch below which nothing is left to be found."""

FINAL_EFFORT = 20e9
FAR_BEHIND = 0.15
"""Difference of rank that no other activation makes up for."""

CLEAR = 0.04
"""Difference of mismatch at which one candidate is about 80 % sure against another."""

CERTAIN = 0.95
CUT_SHORT = 0.75
"""The most that is believed where not all was tried."""

RELIABLE = 0.3
"""Mean mismatch above which the statistics are not those of any network like this one."""

PLAUSIBLE_LATENTS = (16, 32, 50, 62, 64, 74, 90, 100, 128, 200, 256, 512)
PLAUSIBLE_CLASSES = (10, 26, 2, 47, 100, 62)


@dataclass(frozen=True)
class Told:
    """What was said of the open choices; None where nothing was."""

    hidden: Activation | str | None = None  # "none" stands for no activation
    encoder_hidden: Activation | str | None = None
    final: str | None = None
    eps: float | None = None
    order: str | None = None
    join: str | None = None
    prior: str | None = None
    unflatten: str | None = None
    split: str | None = None
    range: tuple[float, float] | None = None


@dataclass
class Settled:
    """A reading with everything chosen, and what had to be assumed for it."""

    reading: Reading
    choices: Choices
    family: Family
    range: tuple[float, float]
    assumptions: list[Assumption] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def settle(
    readings: Sequence[Reading], layers: Layers, hints: Hints, settings: Settings
) -> Settled:
    """Choose a reading and everything that it leaves open.

    Raises:
        SettingError: what was told does not fit.
    """
    reading = readings[0]
    family = family_of(reading)
    told = _asked(reading, family, settings)
    guess = hinted(usual(reading, layers, family), reading, hints)
    process = _Process(reading, family, layers, told, guess)
    return process.run()


def family_of(reading: Reading) -> Family:
    """What kind of model it is."""
    if reading.encoder is None:
        return "gan"
    return "autoencoder" if reading.encoder.heads.split == "none" else "vae"


def hinted(guess: Usual, reading: Reading, hints: Hints) -> Usual:
    """The usual choices, with what the file itself says of activations."""
    choices = guess.choices
    if hints.hidden is not None:
        choices = replace(choices, hidden=(hints.hidden,), encoder_hidden=hints.hidden)
        guess = replace(guess, choices=choices, hidden=0.95)
    layers = [getattr(step, "name", "") for step in choices.line.steps]
    final = next((hints.final[name] for name in reversed(layers) if name in hints.final), None)
    last = next((name for name in reversed(layers) if name), None)
    if final is not None and last in hints.final:
        guess = replace(guess, choices=replace(choices, final=FINALS[final]), final=0.99)
    return guess


def _asked(reading: Reading, family: Family, settings: Settings) -> Told:
    decoder = reading.decoder
    pair = settings.numbers("range")
    if pair is not None and (len(pair) != 2 or pair[0] >= pair[1]):
        raise SettingError("--set range takes two numbers such as -1,1, the lower one first.")
    fused = reading.encoder is not None and reading.encoder.heads.split == "fused"
    return Told(
        hidden=_activation(settings, "activation"),
        encoder_hidden=_activation(settings, "encoder_activation") if reading.encoder else None,
        final=settings.choice("final", FINALS),
        eps=settings.number("eps", 0.0, 10.0),
        order=settings.choice("condition_order", ("z_first", "condition_first"))
        if decoder.ordered
        else None,
        join=settings.choice("condition_join", ("multiply", "add")) if decoder.joined else None,
        prior=settings.choice("prior", ("normal", "uniform")),
        unflatten=settings.choice("unflatten", ("chw", "hwc")),
        split=settings.choice("heads", ("halves", "interleaved")) if fused else None,
        range=None if pair is None else (pair[0], pair[1]),
    )


def _activation(settings: Settings, name: str) -> Activation | str | None:
    text = settings.text(name)
    if text is None:
        return None
    kind, _, number = text.partition(":")
    if kind == "none":
        return "none"
    known = {"relu", "leaky_relu", "elu", *(n for n in ACTIVATIONS if ":" not in n)}
    try:
        slope = float(number) if number else {"leaky_relu": 0.01, "elu": 1.0}.get(kind, 0.2)
    except ValueError:
        slope = math.nan
    if kind not in known or not 0.0 <= slope <= 10.0:
        raise SettingError(f"--set {name} takes {', '.join(ACTIVATIONS)}, not {text!r}.")
    return chain.Activation(kind, slope)  # type: ignore[arg-type]


class _Process:
    def __init__(
        self, reading: Reading, family: Family, layers: Layers, told: Told, guess: Usual
    ) -> None:
        self.reading, self.family, self.told, self.guess = reading, family, told, guess
        self._layers = layers
        self._tensors: Tensors | None = None
        self._effort: Effort | None = None
        self.sure: dict[str, float] = {}

    @property
    def tensors(self) -> Tensors:
        """The tensors that trials need, read once."""
        if self._tensors is None:
            from genviewer.io.readers.trial import as_tensors

            self._tensors = as_tensors({name: read() for name, read in self._layers.reads.items()})
        return self._tensors

    @property
    def effort(self) -> Effort:
        """What all self-tests together may still take."""
        if self._effort is None:
            from genviewer.io.readers.trial import Effort

            self._effort = Effort()
        return self._effort

    def run(self) -> Settled:
        """All choices."""
        choices = self._with_told(self.guess.choices)
        norms = any(
            isinstance(step, chain.BatchNorm | chain.ConditionalNorm) for step in choices.line.steps
        )
        if norms:
            choices = self._by_norms(choices)
        if self.reading.encoder is not None:
            choices = self._by_round_trip(choices, norms)
        choices = self._by_layout(choices)
        if self.told.final is None and self.guess.final < CERTAIN:
            choices = self._by_samples(choices)
        if self._effort is not None and self._effort.spent:
            self.sure = {name: min(value, CUT_SHORT) for name, value in self.sure.items()}
        return self._settled(choices)

    def _with_told(self, choices: Choices) -> Choices:
        told = self.told
        values: dict[str, Any] = {}
        if told.hidden is not None:
            hidden = None if isinstance(told.hidden, str) else told.hidden
            values |= {"hidden": (hidden,), "encoder_hidden": hidden}
        if told.encoder_hidden is not None:
            encoder = told.encoder_hidden
            values["encoder_hidden"] = None if isinstance(encoder, str) else encoder
        if told.eps is not None:
            values["eps"] = (told.eps,)
        if told.final is not None:
            values["final"] = FINALS[told.final]
        elif told.range is not None and told.range in ((-1.0, 1.0), (0.0, 1.0)):
            values["final"] = FINALS["tanh" if told.range[0] < 0 else "sigmoid"]
        for name in ("order", "join", "prior", "unflatten", "split"):
            value = getattr(told, name)
            if value is not None:
                values[name] = value
        return replace(choices, **values)

    def _by_norms(self, choices: Choices) -> Choices:
        """Batch normalisation's statistics, first on the most usual line, then on others."""
        from genviewer.io.readers.norm_evidence import SAMPLES, Verdict, rank, weigh
        from genviewer.io.readers.trial import MAX_MAP_VALUES, Effort

        told, decoder = self.told, self.reading.decoder
        sizes = [condition.size for condition in decoder.conditions]

        def tried(
            starts: Iterable[Choices],
            hidden: bool,
            eps: bool,
            bound: float = math.inf,
            samples: int = SAMPLES,
            most: int = MAX_MAP_VALUES,
            effort: Effort | None = None,
        ) -> Verdict | None:
            return weigh(
                list(starts), decoder.latent, sizes, self.tensors, hidden, eps, bound, samples,
                effort or self.effort, most,
            )  # fmt: skip

        open_hidden = told.hidden is None and self.guess.hidden < CERTAIN
        open_eps = told.eps is None
        starts = [choices]
        if decoder.ordered and told.order is None:
            starts = _varied(starts, "order", ("z_first", "condition_first"))
        if decoder.joined and told.join is None:
            starts = _varied(starts, "join", ("multiply", "add"))
        if self.family == "gan" and told.prior is None:
            starts = _varied(starts, "prior", ("normal", "uniform"))
        verdict = tried(starts, open_hidden, open_eps)
        if verdict is None:
            return choices
        best = verdict.choices
        lines = [line for line in decoder.lines if line.steps != choices.line.steps]
        if told.unflatten is None and _unflattens(best.line):
            lines = [best.line, *lines]
        more = []
        for line in distinct(lines)[:LINES_TRIED]:
            base = replace(best, line=line, hidden=(best.hidden[0],), eps=(best.eps[0],))
            if line is best.line:
                base = replace(base, unflatten="hwc")
            more.append(base)
        # Other lines run with what was found so far, and only the best of them once more freely.
        pool = [(verdict.choices, verdict.mismatch), *verdict.others]
        finalists = [choices for choices, _ in pool[:FINALISTS]]
        bound = max(0.75, 1.8 * verdict.mismatch)
        few = FEW_SAMPLES if len(more) > FINALISTS else SAMPLES
        other = tried(more, False, False, bound, few) if more and not self.effort.spent else None
        if other is not None:
            elsewhere = [other.choices, *(choices for choices, _ in other.others)]
            finalists = elsewhere[:FINALISTS] + finalists
            behind = rank(other.choices, other.mismatch) - rank(best, verdict.mismatch)
            fits = other.mismatch < FITTING
            if not fits and behind < FAR_BEHIND and not self.effort.spent:
                free = tried([other.choices], open_hidden, open_eps)
                if free is not None:
                    finalists = [free.choices, *finalists]
                    pool += [(free.choices, free.mismatch), *free.others]
        # A search may have lost the other order on its way.
        likeliest = finalists[:1]
        if decoder.ordered and told.order is None:
            finalists += _varied(likeliest, "order", ("z_first", "condition_first"))
        if decoder.joined and told.join is None:
            finalists += _varied(likeliest, "join", ("multiply", "add"))
        if len(finalists) > 1:
            # All under the same conditions, and with more samples than a search can afford.
            final = tried(
                dict.fromkeys(finalists), False, False, bound, SAMPLES, FINAL_VALUES,
                Effort(FINAL_EFFORT),
            )  # fmt: skip
            if final is not None:
                decided = {final.choices, *(choices for choices, _ in final.others)}
                rest = [one for one in pool if one[0] not in decided]
                ordered = [(final.choices, final.mismatch), *final.others]
                ordered.sort(key=lambda found: rank(*found))
                pool = [*ordered, *rest]
            else:
                pool.sort(key=lambda found: rank(*found))
        else:
            pool.sort(key=lambda found: rank(*found))
        best, mismatch = pool[0]
        if mismatch > RELIABLE:
            return choices
        uniform = replace(best, hidden=(best.hidden[0],), eps=(best.eps[0],))
        extra = [
            *(
                replace(uniform, hidden=(ACTIVATIONS[name],))
                for name in ("relu", "leaky_relu:0.2")
                if open_hidden and ACTIVATIONS[name] != best.hidden[0]
            ),
            *(replace(best, eps=(eps,)) for eps in (1e-5, 0.8) if open_eps and eps != best.eps[-1]),
        ]
        for start in extra if not self.effort.spent else ():
            found = tried([start], False, False)
            if found is not None:
                pool.append((found.choices, found.mismatch))
        self._note(best, mismatch, pool)
        return best

    def _note(self, best: Choices, mismatch: float, pool: list[tuple[Choices, float]]) -> None:
        """How sure each choice is: by how much worse the best of the other values fits."""
        for name in ("order", "join", "prior", "unflatten", "line", "hidden", "eps"):
            mine = comparable(best, name)
            others = [found for c, found in pool if comparable(c, name) != mine]
            if others:
                gap = max(0.0, min(others) - mismatch)
                self.sure[name] = 0.5 + 0.49 * (1.0 - math.exp(-gap / CLEAR))

    def _by_round_trip(self, choices: Choices, norms: bool) -> Choices:
        """What comes back when latents are decoded and encoded."""
        from genviewer.io.readers.round_trip_search import RoundTrip

        keep_hidden = norms and "hidden" in self.sure
        trip = RoundTrip(self.reading, self.tensors, self.told, choices, keep_hidden, self.effort)
        best, sure = trip.run()
        for name, value in sure.items():
            self.sure[name] = max(value, self.sure.get(name, 0.0))
        return best

    def _by_samples(self, choices: Choices) -> Choices:
        """The last activation, by what reaches it."""
        from genviewer.io.readers.sample_evidence import Pixels, look

        pixels: Pixels = look(self.reading, choices, self.tensors)
        if pixels.fill_unit and self.sure.get("final", 0.0) < 0.9:
            self.sure["final"] = 0.75
            choices = replace(choices, final=None)
        return choices

    def _by_layout(self, choices: Choices) -> Choices:
        """The order of values in a reshape, by the layer before it."""
        from genviewer.io.readers.sample_evidence import layout_evidence

        if self.told.unflatten is not None or not _unflattens(choices.line):
            return choices
        if self.sure.get("unflatten", 0.0) > 0.9:
            return choices
        chw, hwc = layout_evidence(choices.line, self.tensors)
        if hwc > 2.0 and hwc > 1.6 * chw:
            self.sure["unflatten"] = 0.9
            return replace(choices, unflatten="hwc")
        self.sure["unflatten"] = 0.95 if chw > 1.6 * hwc else 0.8
        return choices

    def _settled(self, choices: Choices) -> Settled:
        final = activation_name(choices.final)
        limits = (-1.0, 1.0) if final == "tanh" else (0.0, 1.0)
        if self.told.range is not None:
            limits = self.told.range
        settled = Settled(self.reading, choices, self.family, limits)
        self._assumptions(settled, final)
        return settled

    def _assumptions(self, settled: Settled, final: str) -> None:
        told, choices, sure, decoder = self.told, settled.choices, self.sure, self.reading.decoder

        def assume(name: str, value: Any, given: object, confidence: float, others: Any) -> None:
            if given is None:
                rest = tuple(other for other in others if other != value)
                settled.assumptions.append(Assumption(name, value, confidence, rest))

        names = [activation_name(h) for h in choices.hidden]
        if choices.holes:
            hidden = names[0] if len(set(names)) == 1 else " ".join(names)
            usual_ones = ("relu", "leaky_relu:0.2", "leaky_relu:0.01", "tanh", "elu")
            assume("activation", hidden, told.hidden, sure.get("hidden", self.guess.hidden),
                   usual_ones)  # fmt: skip
        assume("final", final, told.final, sure.get("final", self.guess.final), FINALS)
        shown = list(settled.range)
        assume("range", shown, told.range or told.final, sure.get("final", self.guess.final),
               [[0.0, 1.0], [-1.0, 1.0]])  # fmt: skip
        if self.family == "gan":
            assume("prior", choices.prior, told.prior, sure.get("prior", 0.8),
                   ("normal", "uniform"))  # fmt: skip
        if choices.norms:
            eps = choices.eps[-1]
            assume("eps", eps, told.eps, sure.get("eps", self.guess.eps), (1e-5, 0.8))
        if decoder.ordered:
            assume("condition_order", choices.order, told.order,
                   sure.get("order", self.guess.order), ("z_first", "condition_first"))  # fmt: skip
        if decoder.joined:
            assume("condition_join", choices.join, told.join, sure.get("join", 0.6),
                   ("multiply", "add"))  # fmt: skip
        if _unflattens(choices.line):
            assume("unflatten", choices.unflatten, told.unflatten, sure.get("unflatten", 0.8),
                   ("chw", "hwc"))  # fmt: skip
        encoder = self.reading.encoder
        if encoder is not None and encoder.heads.split == "fused":
            assume("heads", choices.split, told.split, sure.get("split", 0.7),
                   ("halves", "interleaved"))  # fmt: skip
        if encoder is None and not decoder.conditions:
            splits = [n for n in PLAUSIBLE_CLASSES if decoder.latent - n in PLAUSIBLE_LATENTS]
            if splits and decoder.latent not in PLAUSIBLE_LATENTS:
                assume("classes", 0, None, 0.5, splits)
        for condition in decoder.conditions:
            if not condition.certain and not self.reading.joint and encoder is None:
                continue
        if choices.line.cost + decoder.cost > UNUSUAL:
            settled.warnings.append("This network is unusual: its size or strides are a guess.")


UNUSUAL = 4.5


def _varied(starts: list[Choices], name: str, values: Iterable[Any]) -> list[Choices]:
    values = tuple(values)
    return [replace(start, **{name: value}) for start in starts for value in values]


def distinct(lines: Sequence[Line]) -> list[Line]:
    """The lines, those of a size or stride that was not there before first."""
    first: list[Line] = []
    rest: list[Line] = []
    seen = set()
    for line in lines:
        way = geometry(line.steps)
        (rest if way in seen else first).append(line)
        seen.add(way)
    return first + rest


def _unflattens(line: Line) -> bool:
    """Whether a vector becomes a map of several channels and pixels, so that its order counts."""
    return any(
        isinstance(step, chain.Reshape) and step.shape[0] > 4 and step.shape[1] > 1
        for step in line.steps
    )
