"""What a data set of samples holds: which class, seed and name each of them has.

Everything about sample ``i`` follows from the plan and ``i`` alone, so that an export can be taken
up again anywhere, or be split over machines, with the same result. NumPy only.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import numpy as np

from genviewer.core.condition import one_class
from genviewer.core.latent import Latent
from genviewer.core.name_template import DEFAULT_TEMPLATE, check_template, make_name, safe_name
from genviewer.core.picture import NATIVE, Picture
from genviewer.core.prior import draw
from genviewer.core.recipe import ModelRef, Recipe, default_condition

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genviewer.core.condition import Condition
    from genviewer.core.spec import Spec

DatasetFormat = Literal["png", "webp", "npz", "zip"]
MAX_COUNT = 100_000_000
CHUNKS_PER_UNIT = 4
LOOSE_FOLDER = "images"
"""Where the samples of a model without classes go."""

_NAME_PART = 40


class DatasetPlan(msgspec.Struct, frozen=True):
    """A whole export, however many machines share it.

    Attributes:
        model: what draws.
        count: the number of samples, before duplicates are dropped.
        seed: sample ``i`` is drawn from ``default_rng(seed + i)``.
        classes: class indices, taken in turn, or in the proportions of ``shares``.
        shares: one for each of ``classes``, sum 1; empty for equal ones.
        truncation: psi.
        format: one file each (``png``, ``webp``), one ``.npz`` or one ``.zip`` of PNGs.
        template: of the names, less their suffix; it tells samples apart.
        picture: scale and depth of image files.
        chunk: samples decoded together; always those of the same numbers, since rounding may
            depend on it.
        reject: the share of samples that the model itself scores lowest and that are drawn again.
        provenance: whether each file carries its Recipe.
        engine: what draws, since another one may round otherwise.
        weights_sha256, program: as in an image record.

    Raises:
        ValueError: it contradicts itself.
    """

    model: ModelRef
    count: Annotated[int, msgspec.Meta(ge=1, le=MAX_COUNT)]
    seed: int = 0
    classes: tuple[int, ...] = ()
    shares: tuple[float, ...] = ()
    truncation: float = 1.0
    format: DatasetFormat = "png"
    template: str = DEFAULT_TEMPLATE
    picture: Picture = NATIVE
    chunk: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 16
    reject: Annotated[float, msgspec.Meta(ge=0.0, lt=1.0)] = 0.0
    provenance: bool = True
    engine: str = ""
    weights_sha256: str = ""
    program: str = ""

    def __post_init__(self) -> None:
        check_template(self.template)
        if "{n" not in self.template and "{seed" not in self.template:
            raise ValueError("the name template has no {n} or {seed} to tell samples apart")
        if self.shares and len(self.shares) != len(self.classes):
            raise ValueError("there is a share for every class or for none")
        if self.picture.bits == 16 and self.format not in ("png", "zip"):
            raise ValueError(f"{self.format} has 8 bits per channel")

    @property
    def unit(self) -> int:
        """Samples that are done or not done together."""
        return self.chunk * CHUNKS_PER_UNIT

    @property
    def units(self) -> int:
        """The number of units; the last one may be smaller."""
        return -(-self.count // self.unit)

    def unit_range(self, unit: int) -> range:
        """The samples of a unit."""
        return range(unit * self.unit, min((unit + 1) * self.unit, self.count))

    def class_of(self, index: int) -> int | None:
        """The class of a sample; None where the model has none."""
        if not self.classes:
            return None
        if not self.shares:
            return self.classes[index % len(self.classes)]
        return int(_apportioned(self.classes, self.shares, self.count)[index])

    def seed_of(self, index: int, attempt: int = 0) -> int:
        """The seed of a sample, and of what is drawn instead where it was rejected."""
        return self.seed + index + attempt * self.count

    def condition(self, spec: Spec, number: int | None) -> Condition:
        """The Condition of samples of a class."""
        condition, wanted = default_condition(spec), spec.class_condition
        if wanted is not None and number is not None:
            condition = condition.with_part(one_class(wanted.name, number))
        return condition

    def recipe(
        self, spec: Spec, index: int, attempt: int = 0, condition: Condition | None = None
    ) -> Recipe:
        """The Recipe of a sample; who knows its Condition already saves time by telling it."""
        if condition is None:
            condition = self.condition(spec, self.class_of(index))
        latent = Latent(draw(spec.latent, self.seed_of(index, attempt)))
        return Recipe(latent, condition, self.truncation)

    def place(self, folder: str | None, index: int, attempt: int = 0) -> str:
        """Folder and file of a sample, with ``/`` between them.

        Args:
            folder: its class's, from :func:`class_folders`; None where the model has no classes.
            index: its number.
            attempt: how often it was drawn again.
        """
        fields = {
            "model": self.model.name[:_NAME_PART],
            "class": None if folder is None else folder[:_NAME_PART],
            "seed": self.seed_of(index, attempt),
            "n": index,
        }
        suffix = "webp" if self.format == "webp" else "png"
        return f"{folder or LOOSE_FOLDER}/{make_name(self.template, fields)}.{suffix}"


def apportion(shares: tuple[float, ...], count: int) -> tuple[int, ...]:
    """How many of ``count`` each share gets: whole numbers by largest remainders."""
    total = sum(shares)
    exact = [count * share / total for share in shares]
    counts = [int(value) for value in exact]
    by_rest = sorted(range(len(shares)), key=lambda k: (counts[k] - exact[k], k))
    for k in by_rest[: count - sum(counts)]:
        counts[k] += 1
    return tuple(counts)


@lru_cache(maxsize=4)
def _apportioned(
    classes: tuple[int, ...], shares: tuple[float, ...], count: int
) -> NDArray[np.int32]:
    """The class of each sample, evenly mixed: int32 (count,)."""
    counts = apportion(shares, count)
    places = np.concatenate([(np.arange(n) + 0.5) / max(n, 1) for n in counts])
    owners = np.repeat(np.array(classes, np.int32), counts)
    mixed: NDArray[np.int32] = owners[np.argsort(places, kind="stable")]
    return mixed


def class_folders(spec: Spec) -> tuple[str, ...]:
    """A folder's name for each class; all different, also where case does not count."""
    wanted = spec.class_condition
    if wanted is None:
        return ()
    names: list[str] = []
    seen: set[str] = set()
    for index in range(wanted.size):
        name = safe_name(wanted.label(index))
        if name.lower() in seen:
            name = f"{name}_{index}"
        seen.add(name.lower())
        names.append(name)
    return tuple(names)
