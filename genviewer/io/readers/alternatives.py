"""The other ways in which a file may be meant: for "which of these looks right?"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genviewer.io.bundle import Assumption, Bundle

UNSURE = 0.9
"""Assumptions below this confidence are worth asking about."""

FOLLOWS = frozenset({"range"})
"""Fields that follow from another one and are not asked for by themselves."""


def setting_text(value: Any) -> str:
    """A value as ``--set FIELD=`` takes it."""
    if isinstance(value, list | tuple):
        return ",".join(f"{number:g}" for number in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def resolved(bundle: Bundle) -> dict[str, str]:
    """Settings that open a model as it is, every assumption said."""
    settings = dict(bundle.settings)
    for assumption in bundle.config.assumptions:
        text = setting_text(assumption.value)
        # Activations that differ from place to place have no single text; they are found again.
        if " " not in text and assumption.field != "classes":
            settings.setdefault(assumption.field, text)
    return settings


def asked(bundle: Bundle, unsure: float = UNSURE) -> tuple[Assumption, ...]:
    """What was assumed of a model with a confidence below ``unsure`` and can be another way, the
    least certain first.
    """
    found = [
        a
        for a in bundle.config.assumptions
        if a.alternatives and a.field not in FOLLOWS and a.confidence < unsure
    ]
    return tuple(sorted(found, key=lambda a: a.confidence))


def variant(bundle: Bundle, field: str, value: Any) -> Bundle:
    """A foreign model with another value of one assumption, all others as they are.

    Takes up to seconds; any thread.

    Raises:
        BundleError: the value does not fit the weights.
    """
    from genviewer.io.readers.table import open_foreign  # not on the way to the first picture

    settings = resolved(bundle) | {field: setting_text(value)}
    if "final" in settings:
        settings.pop("range", None)
    return open_foreign(bundle.path, settings, bundle.trusted)
