"""The other ways in which a file may be meant, each opened: for "which of these looks right?"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from genviewer.io.bundle import BundleError
from genviewer.io.readers.table import open_foreign

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from genviewer.io.bundle import Bundle

UNSURE = 0.9
"""Assumptions below this confidence are worth asking about."""

FOLLOWS = frozenset({"range"})
"""Fields that follow from another one and are not asked for by themselves."""


class Alternative(NamedTuple):
    """One value of one assumption, and the model opened with it; ``chosen`` is the best guess."""

    field: str
    value: Any
    bundle: Bundle
    chosen: bool


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


def alternatives(
    bundle: Bundle, unsure: float = UNSURE, fields: Iterable[str] | None = None
) -> Iterator[Alternative]:
    """The model with each value of the assumptions that are unsure, one field at a time.

    Models are opened one after the other as they are asked for, which takes up to seconds each;
    any thread. Values that do not fit are left out.

    Args:
        bundle: a foreign file as opened.
        unsure: confidence below which an assumption is varied.
        fields: only these, whatever their confidence.
    """
    settings = resolved(bundle)
    wanted = None if fields is None else set(fields)
    for assumption in bundle.config.assumptions:
        field = assumption.field
        asked = assumption.confidence < unsure if wanted is None else field in wanted
        if not asked or (wanted is None and field in FOLLOWS):
            continue
        yield Alternative(field, assumption.value, bundle, True)
        for value in assumption.alternatives:
            changed = _opened(bundle.path, settings | {field: setting_text(value)}, bundle.trusted)
            if changed is not None:
                yield Alternative(field, value, changed, False)


def _opened(path: Path, settings: Mapping[str, str], trust: bool) -> Bundle | None:
    changed = dict(settings)
    if "final" in changed:
        changed.pop("range", None)
    try:
        return open_foreign(path, changed, trust)
    except BundleError:
        return None
