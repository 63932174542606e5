"""Numbers as text with a proper minus sign. No widgets."""

from __future__ import annotations

MINUS = "\N{MINUS SIGN}"


def number(value: float, digits: int = 2) -> str:
    """Such as ``\N{MINUS SIGN}1,234.50``; what is rounded to nothing has no sign."""
    text = f"{value:,.{digits}f}"
    return with_minus(text) if float(f"{value:.{digits}f}") else text.lstrip("-")


def signed(value: float, digits: int = 2) -> str:
    """The same with a plus sign above 0."""
    text = number(value, digits)
    return f"+{text}" if value > 0 and float(f"{value:.{digits}f}") else text


def with_minus(text: str) -> str:
    """A number that is text already."""
    return text.replace("-", MINUS)
