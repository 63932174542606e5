"""Numbers as text."""

import pytest

from genviewer.ui.numerals import number, signed


@pytest.mark.parametrize(
    ("value", "digits", "plain", "with_sign"),
    [
        (-1234.5, 1, "\N{MINUS SIGN}1,234.5", "\N{MINUS SIGN}1,234.5"),
        (0.126, 2, "0.13", "+0.13"),
        (-0.004, 2, "0.00", "0.00"),
        (0.004, 2, "0.00", "0.00"),
        (-0.06, 1, "\N{MINUS SIGN}0.1", "\N{MINUS SIGN}0.1"),
    ],
)
def test_minus_signs_are_minus_signs_and_nothing_has_none(value, digits, plain, with_sign):
    assert number(value, digits) == plain
    assert signed(value, digits) == with_sign
