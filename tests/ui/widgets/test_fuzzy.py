import pytest
from hypothesis import given
from hypothesis import strategies as st

from genviewer.ui.widgets.fuzzy import match

NAMES = ["Save Project", "Save Sample as PNG", "Save Sheet as PNG", "Vary around Here", "Walk"]


def best(query, names=NAMES):
    found = {name: match(query, name) for name in names}
    return max((n for n in names if found[n]), key=lambda n: found[n][0])


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("sav", "Save Project"),
        ("ssp", "Save Sample as PNG"),
        ("sheet", "Save Sheet as PNG"),
        ("SHPNG", "Save Sheet as PNG"),
        ("wa", "Walk"),
        ("here", "Vary around Here"),
        ("s p", "Save Project"),
    ],
)
def test_finds_what_is_meant(query, name):
    assert best(query) == name


def test_letters_that_are_not_there_do_not_match():
    assert match("savx", "Save") is None
    assert match("evas", "Save") is None


def test_nothing_typed_fits_everything():
    assert match("  ", "Save") == (0, ())


@given(st.text(max_size=12), st.text(max_size=30))
def test_positions_spell_the_query(query, text):
    found = match(query, text)
    if found is not None:
        _, places = found
        assert list(places) == sorted(set(places))
        assert all(0 <= i < len(text) for i in places)


@given(st.text(alphabet="abc de", min_size=1, max_size=20), st.data())
def test_any_subsequence_is_found(text, data):
    kept = data.draw(st.lists(st.booleans(), min_size=len(text), max_size=len(text)))
    query = "".join(letter for letter, keep in zip(text, kept, strict=True) if keep)
    assert match(query, text) is not None
