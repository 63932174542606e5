"""What `evaluate` found, for people: as text, and as lines of a model card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from genviewer.cli.errors import CommandError
from genviewer.io.atomic import write_bytes
from genviewer.io.bundle import CARD_NAME

if TYPE_CHECKING:
    from genviewer.engine.evaluate import Evaluation, Likeness
    from genviewer.io.bundle import Bundle

BEGIN, END = "<!-- genviewer evaluate -->", "<!-- /genviewer evaluate -->"
_HEADING = "## Measured"


def evaluation_text(result: Evaluation) -> str:
    """All figures, one line each."""
    rows = {
        "model": f"{result.model} ({result.model_id[:8]}), {result.n:,} samples, {result.engine}",
        "data": f"{result.data.source}, {result.data.compared:,} images of the "
        f"{result.data.compared_with} split",
        "features": _features(result),
        "samples": _likeness(result.samples),
    }
    if result.real is not None:
        rows["real images"] = _likeness(result.real)
    rows |= _rest(result)
    width = max(map(len, rows))
    lines = [f"{name:<{width}}  {value}" for name, value in rows.items()]
    return "\n".join([*lines, *result.notes])


def card_lines(result: Evaluation, data: str) -> str:
    """The figures as list items between two comments, by which they are found again."""
    source = Path(data).name or data
    lines = [
        BEGIN,
        f"- Against {result.data.compared:,} images of the {result.data.compared_with} split of "
        f"{result.data.source}, {result.n:,} samples (seed {result.seed}, truncation 1, none "
        f"rejected), in the features of {_features(result)}: {_likeness(result.samples)}.",
    ]
    if result.real is not None:
        lines.append(f"- Real training images measured in the same way: {_likeness(result.real)}.")
    lines += [f"- {name[0].upper()}{name[1:]}: {value}." for name, value in _rest(result).items()]
    lines += [
        f"- Measured with `genviewer evaluate {result.model} --data {source}"
        f"{'' if result.n == 10_000 else f' -n {result.n}'}`.",
        END,
    ]
    return "\n".join(lines)


def write_on_card(bundle: Bundle, result: Evaluation, data: str) -> None:
    """Put the figures under "Measured" on the card, in the place of earlier ones.

    Raises:
        CommandError: the card cannot be read or written.
    """
    path = bundle.path / CARD_NAME
    try:
        text = path.read_text("utf-8") if path.is_file() else f"# {bundle.spec.name}\n"
        write_bytes(path, with_figures(text, card_lines(result, data)).encode())
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"The card {path} cannot be changed: {error}.") from error


def with_figures(card: str, figures: str) -> str:
    """A card with these lines where such lines were, else at the end of its measured ones."""
    begin, end = card.find(BEGIN), card.find(END)
    if 0 <= begin < end:
        return card[:begin] + figures + card[end + len(END) :]
    at = card.find(f"\n{_HEADING}\n")
    if at < 0:
        return f"{card.rstrip()}\n\n{_HEADING}\n{figures}\n"
    following = card.find("\n## ", at + 1)
    following = len(card) if following < 0 else following
    return f"{card[:following].rstrip()}\n{figures}\n{card[following:]}"


def _features(result: Evaluation) -> str:
    features = result.features
    told = f"{features.name} ({features.sha256[:12]}"
    if features.test_accuracy is not None:
        told += f", right on {features.test_accuracy:.2%} of the real test images"
    return told + ")"


def _likeness(likeness: Likeness) -> str:
    return (
        f"Frechet distance {likeness.frechet_distance:.4g}, precision {likeness.precision:.3f}, "
        f"recall {likeness.recall:.3f}"
    )


def _rest(result: Evaluation) -> dict[str, str]:
    rows = {}
    diversity = result.diversity
    where = "of one class" if diversity.within == "class" else "whatever their class"
    rows["diversity"] = (
        f"{diversity.ratio:.2f} of the mean pixel distance between two real images {where} "
        f"({diversity.distance:.3f} of {diversity.real:.3f})"
    )
    if result.class_accuracy is not None:
        per_class = result.class_accuracy.per_class
        worst = min(per_class, key=per_class.__getitem__)
        rows["read as their class"] = (
            f"{result.class_accuracy.mean:.2%} of the samples, fewest of {worst} with "
            f"{per_class[worst]:.1%}"
        )
    if result.class_shares is not None:
        shares = result.class_shares.per_class
        least, most = min(shares, key=shares.__getitem__), max(shares, key=shares.__getitem__)
        rows["classes among the samples"] = (
            f"from {shares[least]:.2%} ({least}) to {shares[most]:.2%} ({most}); "
            f"{result.class_shares.confident:.1%} are read with a confidence above 0.9"
        )
    if result.elbo is not None:
        bound = result.elbo
        rows["ELBO"] = (
            f"{bound.nats:.2f} nats per image, of which KL {bound.kl:.2f}; "
            f"{bound.bits_per_dim:.3f} bits per value ({bound.likelihood.replace('_', ' ')} "
            f"likelihood, {bound.n:,} images of the {bound.split} split)"
        )
    return rows
