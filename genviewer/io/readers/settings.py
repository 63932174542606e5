"""What a person says about a model that its weights do not: ``--set FIELD=VALUE``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_TEXT = 200


class SettingError(ValueError):
    """A setting that does not fit; the message is one sentence for the user."""


def parse_settings(pairs: Iterable[str]) -> dict[str, str]:
    """``FIELD=VALUE`` texts as a mapping; a field that is given twice takes the last.

    Raises:
        SettingError: a text has no ``=``, or nothing before it.
    """
    values = {}
    for pair in pairs:
        field, equals, value = pair.partition("=")
        field = field.strip().lower().replace("-", "_")
        if not equals or not field or not value.strip():
            raise SettingError(f"--set takes FIELD=VALUE, not {pair[:MAX_TEXT]!r}.")
        values[field] = value.strip()[:MAX_TEXT]
    return values


class Settings:
    """The settings of one opening. Asking for a field makes it known; :meth:`check` then tells
    of those that nobody asked for.
    """

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self.values = dict(values or {})
        self._known: set[str] = set()

    def text(self, field: str) -> str | None:
        """What was said of a field, or None."""
        self._known.add(field)
        return self.values.get(field)

    def choice(self, field: str, choices: Iterable[str]) -> str | None:
        """One of a few words.

        Raises:
            SettingError: another word was said.
        """
        value, allowed = self.text(field), tuple(choices)
        if value is not None and value not in allowed:
            raise SettingError(f"--set {field} is one of {', '.join(allowed)}, not {value!r}.")
        return value

    def number(self, field: str, low: float = 0.0, high: float = math.inf) -> float | None:
        """A number within bounds.

        Raises:
            SettingError: it is none, or beyond the bounds.
        """
        value = self.text(field)
        if value is None:
            return None
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            raise SettingError(f"--set {field} takes a number from {low:g} on, not {value!r}.")
        return number

    def whole(self, field: str, low: int = 0, high: int = 1 << 16) -> int | None:
        """A whole number within bounds.

        Raises:
            SettingError: it is none, or beyond the bounds.
        """
        number = self.number(field, low, high)
        if number is not None and number != int(number):
            raise SettingError(f"--set {field} takes a whole number, not {number:g}.")
        return None if number is None else int(number)

    def numbers(self, field: str, separator: str = ",") -> tuple[float, ...] | None:
        """Numbers in a row.

        Raises:
            SettingError: one of them is none.
        """
        value = self.text(field)
        if value is None:
            return None
        try:
            numbers = tuple(float(item) for item in value.split(separator))
        except ValueError:
            numbers = (math.nan,)
        if not all(math.isfinite(number) for number in numbers):
            raise SettingError(f"--set {field} takes numbers such as -1,1, not {value!r}.")
        return numbers

    def check(self, name: str) -> None:
        """Tell of a field that nothing asked for.

        Raises:
            SettingError: naming it and the fields that the model ``name`` takes.
        """
        for field in self.values:
            if field not in self._known:
                known = ", ".join(sorted(self._known))
                takes = f"it takes {known}" if known else "nothing can be set"
                raise SettingError(f"{name} has no {field!r} to set: {takes}.")
