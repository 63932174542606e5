"""Which class of a model each class of a data set is."""

from __future__ import annotations

import re
from itertools import chain, count
from pathlib import PurePath
from typing import TYPE_CHECKING

import msgspec

from genviewer.io.dataset_fit import Fit
from genviewer.io.dataset_items import UNLABELLED

if TYPE_CHECKING:
    from collections.abc import Sequence

LEFT_OUT = ""
"""In the place of a class of the model: these images are not trained on."""

MAX_NEW = 16
"""So many classes that the model does not have are proposed to it; of more, none."""


class DataChoices(msgspec.Struct, frozen=True):
    """What a person chose of a data set.

    Attributes:
        mapping: the model's class for each class of the data, :data:`LEFT_OUT` for those that are
            not trained on; empty for a model without classes.
        new_classes: those of them that the model does not have yet, in the order of the data.
        fit: how images are brought to the model's size and colours.
        validation: the share to check on, in 0..1.
    """

    mapping: dict[str, str] = {}
    new_classes: tuple[str, ...] = ()
    fit: Fit = Fit()
    validation: float = 0.1

    @property
    def used(self) -> dict[str, str] | None:
        """The classes that are trained on; None where the model has no classes and all are."""
        if not self.mapping:
            return None
        return {name: wanted for name, wanted in self.mapping.items() if wanted != LEFT_OUT}


def match_classes(found: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    """The model's class for each class of the data that has its name.

    The name itself comes first, then the same number (``03`` and ``3``), then the name without
    regard to case, blanks and hyphens; where that would fit several, none is taken.

    Args:
        found: the data's classes.
        known: the model's.
    """
    exact: set[str] = set(known)
    loose: dict[str, list[str]] = {}
    for name in known:
        loose.setdefault(_loosely(name), []).append(name)
    result = {}
    for name in found:
        same = loose.get(_loosely(name), []) if name != UNLABELLED else []
        if name in exact and name != UNLABELLED:
            result[name] = name
        elif len(same) == 1:
            result[name] = same[0]
    return result


def propose(
    found: Sequence[str], known: Sequence[str], source: str, *, can_grow: bool
) -> DataChoices:
    """What is chosen before a person chooses.

    Classes by name; others are new ones if the model can have more, and there are not too many.

    Args:
        found: the data's classes; UNLABELLED is called after the source, with a number where one
            of the others is called so.
        known: the model's classes; empty if it has none.
        source: the data's path.
        can_grow: whether the model can be given another class.
    """
    if not known:
        return DataChoices()
    titles = {name: class_title(name, source) for name in found}
    if UNLABELLED in titles and titles[UNLABELLED] not in known:
        taken = {*known, *(name for name in found if name != UNLABELLED)}
        titles[UNLABELLED] = _free(titles[UNLABELLED], taken)
    matched = match_classes(list(titles.values()), known)
    missing = [name for name in found if titles[name] not in matched]
    grows = can_grow and len(missing) <= MAX_NEW
    mapping = {
        name: matched.get(title, title if grows else LEFT_OUT) for name, title in titles.items()
    }
    return DataChoices(mapping, tuple(mapping[name] for name in missing) if grows else ())


def class_title(name: str, source: str) -> str:
    """What a new class is called: as in the data, or like the source where it has no name."""
    return name or PurePath(source).stem.strip() or "new"


def _free(title: str, taken: set[str]) -> str:
    """The title, with the first number that makes it different from all that are taken."""
    numbered = (f"{title} {number}" for number in count(2))
    return next(free for free in chain([title], numbered) if free not in taken)


def _loosely(name: str) -> str:
    plain = re.sub(r"[\s_-]+", " ", name).strip().casefold()
    return str(int(plain)) if plain.isascii() and plain.isdecimal() else plain


def with_class(
    choices: DataChoices, name: str, wanted: str | None, known: Sequence[str], source: str
) -> DataChoices:
    """Choices in which a class of the data is another class of the model.

    Args:
        choices: those before.
        name: the data's class.
        wanted: a class of the model, :data:`LEFT_OUT`, or None for a new class.
        known: the model's classes, by which no new one is called.
        source: the data's path.
    """
    mapping = dict(choices.mapping)
    if wanted is None:
        taken = {*known, *(mapping[other] for other in mapping if other != name)}
        wanted = _free(class_title(name, source), taken)
    mapping[name] = wanted
    those = {LEFT_OUT, *known}
    new = tuple(w for w in mapping.values() if w not in those)
    return msgspec.structs.replace(choices, mapping=mapping, new_classes=new)
