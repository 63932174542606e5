"""File names from a template such as ``{model}-{class}-{seed}-{n}``."""

from __future__ import annotations

import re
from functools import lru_cache
from string import Formatter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FIELDS = ("model", "class", "seed", "n")
DEFAULT_TEMPLATE = "{model}-{class}-{seed}-{n}"
MAX_NAME = 120

_WIDTH = re.compile(r"0?[1-9]?\d?d?")
_RESERVED = {"con", "prn", "aux", "nul", *(f"{n}{i}" for n in ("com", "lpt") for i in range(1, 10))}


class TemplateError(ValueError):
    """A template that makes no names; the message is one sentence for the user."""


@lru_cache(maxsize=32)
def _parsed(template: str) -> tuple[tuple[str, str | None, str], ...]:
    """Plain text, field and form of each part; TemplateError as :func:`check_template`."""
    check_template(template)
    return tuple((text, field, form or "") for text, field, form, _ in Formatter().parse(template))


def check_template(template: str) -> None:
    """Refuse a template that is not made of plain text and known fields.

    A number may have a width, as in ``{n:05d}``; nothing else may follow a field's name.

    Raises:
        TemplateError: naming what is wrong.
    """
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise TemplateError(f"The name template {template!r} is not usable: {error}.") from None
    if not template.strip():
        raise TemplateError("The name template is empty.")
    for _, field, form, conversion in parts:
        if field is None:
            continue
        if field not in FIELDS:
            known = ", ".join(f"{{{name}}}" for name in FIELDS)
            raise TemplateError(f"A name has no field {{{field}}}: it may have {known}.")
        number = field in ("n", "seed") and _WIDTH.fullmatch(form or "") is not None
        if conversion or (form and not number):
            raise TemplateError(f"{{{field}:{form}}} is not a number with a width, as {{n:05d}}.")


def make_name(template: str, fields: Mapping[str, str | int | None]) -> str:
    """The name, without a suffix, that a template makes; safe as a file name everywhere.

    Args:
        template: as :func:`check_template` allows.
        fields: by name; None becomes an empty text, and the joints around it are closed up.

    Raises:
        TemplateError: as :func:`check_template`.
    """
    made = []
    for literal, field, form in _parsed(template):
        made.append(literal)
        if field is not None:
            value = fields.get(field)
            if value is None:
                made.append("\0")
            elif isinstance(value, int):
                made.append(format(value, form))
            else:
                made.append(value)
    text = "".join(made)
    if "\0" in text and not text.startswith("\0"):
        text = re.sub(r"[-_. ]?\0", "", text)
    return safe_name(text.replace("\0", ""))


def safe_name(text: str) -> str:
    """A text as part of a file name: letters, digits and ``_ . + -``, at most
    :data:`MAX_NAME` bytes, never hidden, empty or reserved by a system.
    """
    name = re.sub(r"[^\w.+-]", "_", text).strip(". -")
    name = name.encode()[:MAX_NAME].decode(errors="ignore").rstrip(". ")
    if name.partition(".")[0].lower() in _RESERVED:
        name = f"_{name}"
    return name or "_"
