"""What a training measures: names, units, which belong together, and the curves' colours."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QColor

from genviewer.ui import theme
from genviewer.ui.numerals import with_minus


@dataclass(frozen=True)
class Series:
    """One curve.

    Attributes:
        key: as in the rows of a run.
        name: in the list.
        plot: curves of one scale share a plot of that name.
        unit: of the plot's axis; empty where it has none.
        tip: what it is, in a sentence.
        shown: whether it is shown before anybody asks.
    """

    key: str
    name: str
    plot: str
    unit: str
    tip: str
    shown: bool = True


_NATS = "nats per image"
KNOWN: tuple[Series, ...] = (
    Series("elbo", "ELBO", "ELBO", _NATS, "The bound on log p(x) on the training batches."),
    Series(
        "validation_elbo",
        "Validation ELBO",
        "ELBO",
        _NATS,
        "The bound on log p(x) on images that are not trained on.",
    ),
    Series(
        "nll",
        "Reconstruction",
        "Loss terms",
        _NATS,
        "How unlikely the image is, given its latent: \N{MINUS SIGN}log p(x|z).",
    ),
    Series("kl", "KL", "Loss terms", _NATS, "How far the posterior is from the prior."),
    Series(
        "tc", "Total correlation", "Loss terms", _NATS, "How far the dimensions depend on another."
    ),
    Series("generator", "Generator", "Losses", "", "The generator's loss."),
    Series("discriminator", "Discriminator", "Losses", "", "The discriminator's loss."),
    Series("d_real", "D(real)", "Discriminator", "probability", "How real it holds real images."),
    Series("d_fake", "D(fake)", "Discriminator", "probability", "How real it holds drawn images."),
    Series("score_real", "Score of real", "Scores", "", "Before the sigmoid.", False),
    Series("score_fake", "Score of drawn", "Scores", "", "Before the sigmoid.", False),
    Series("class", "Class", "Side losses", "nats", "How wrong the class is read.", False),
    Series("adversarial", "Adversarial", "Side losses", "nats", "A critic's part.", False),
    Series("class_real", "Class of real", "Side losses", "nats", "Of real images.", False),
    Series("class_drawn", "Class of drawn", "Side losses", "nats", "Of drawn images.", False),
    Series(
        "memory",
        "Old samples",
        "Old samples",
        "",
        "How far what the model drew before is from what it draws now.",
        False,
    ),
    Series("penalty", "Gradient penalty", "Side losses", "", "On the discriminator.", False),
    Series(
        "gradient_norm",
        "Gradient norm",
        "Gradient norm",
        "",
        "The length of the gradient of all weights that learn; in a GAN, of the generator's.",
        False,
    ),
    Series(
        "gradient_norm_d",
        "Gradient norm of D",
        "Gradient norm",
        "",
        "The length of the gradient of the discriminator's weights.",
        False,
    ),
    Series(
        "learning_rate",
        "Learning rate",
        "Learning rate",
        "",
        "Of the optimizer; in a GAN, of the generator's.",
        False,
    ),
    Series(
        "learning_rate_d",
        "Learning rate of D",
        "Learning rate",
        "",
        "Of the discriminator's optimizer.",
        False,
    ),
    Series("beta", "Beta", "Schedule", "", "The weight of the KL.", False),
    Series("heat", "Heat", "Schedule", "", "Of the warm-up.", False),
    Series(
        "frechet",
        "Fréchet distance",
        "Quality",
        "",
        "Of samples to the data, in the features of fixed random filters; 0 is best.",
    ),
)
_BY_KEY = {series.key: series for series in KNOWN}
_ORDER = {series.key: index for index, series in enumerate(KNOWN)}

DARK_CURVES = (
    "#6cb0ff",
    "#ffab4a",
    "#5fd39a",
    "#f58bc0",
    "#e8d75c",
    "#b79cff",
    "#58d0e6",
    "#ff8a78",
)
LIGHT_CURVES = (
    "#0a66d0",
    "#b45500",
    "#0f7a45",
    "#b8287a",
    "#7a6a00",
    "#6a3fc4",
    "#00738c",
    "#c2321f",
)


def series_of(key: str) -> Series:
    """What is known of a column; a column that nobody knows is a curve of its own."""
    found = _BY_KEY.get(key)
    if found is None:
        name = key.replace("_", " ")
        name = name[:1].upper() + name[1:]
        found = Series(key, name, name, "", "Measured by this training.", False)
    return found


def order_of(key: str) -> tuple[int, str]:
    """Sorts curves: the important ones first."""
    return _ORDER.get(key, len(_ORDER)), key


def color_of(place: int) -> QColor:
    """The colour of the curve at that place of the list, in the scheme in force.

    Next to each other they differ in hue and lightness, also for eyes that tell few hues apart;
    from the ninth on they come again.
    """
    curves = DARK_CURVES if theme.colors().dark else LIGHT_CURVES
    return QColor(curves[place % len(curves)])


def value_text(value: float) -> str:
    """A measured value in at most eight characters."""
    size = abs(value)
    if size and (size < 1e-3 or size >= 1e6):
        text = f"{value:.2e}".replace("e-0", "e-").replace("e+0", "e")
    elif size >= 1000:
        text = f"{value:,.0f}"
    else:
        text = f"{value:.4g}" if size < 1 else f"{value:.2f}" if size < 100 else f"{value:.1f}"
    return with_minus(text)


def tick_text(text: str) -> str:
    """A number at an axis, as short as it can be told: thousands as k, millions as M."""
    value = float(text)
    for least, unit, name in ((1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(value) >= least:
            text = f"{value / unit:g}{name}"
            break
    return with_minus(text)


def step_text(step: float) -> str:
    """A step as text, with thousands apart."""
    return f"{round(step):,}"
