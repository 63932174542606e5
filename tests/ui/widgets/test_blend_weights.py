import pytest
from hypothesis import given
from hypothesis import strategies as st

from genviewer.ui.widgets.blend_weights import (
    SMALLEST,
    divided,
    normalised,
    toggled,
    with_share,
)

blends = st.dictionaries(st.integers(0, 9), st.floats(0.05, 1.0), min_size=1, max_size=5).map(
    normalised
)


@given(blends, st.integers(0, 9), st.floats(-0.5, 1.5))
def test_every_edit_leaves_a_whole(weights, index, share):
    order = list(weights)
    edits = [toggled(weights, index), with_share(weights, index, share)]
    if len(order) > 1:
        edits.append(divided(weights, order[0], order[1], share))
    for edited in edits:
        assert sum(edited.values()) == pytest.approx(1.0)
        assert all(w > 0 for w in edited.values())
        assert list(edited) == sorted(edited)


@given(blends, st.floats(0.1, 0.9))
def test_the_others_keep_their_ratios(weights, share):
    edited = with_share(weights, 99, share)
    assert edited[99] == pytest.approx(share)
    for k, w in weights.items():
        assert edited[k] == pytest.approx(w * (1 - share))


def test_toggling_adds_an_equal_and_takes_out_again():
    assert toggled({1: 0.5, 2: 0.5}, 3) == pytest.approx({1: 1 / 3, 2: 1 / 3, 3: 1 / 3})
    assert toggled({1: 0.25, 2: 0.75}, 2) == {1: 1.0}
    assert toggled({1: 1.0}, 1) == {1: 1.0}
    assert toggled({}, 4) == {4: 1.0}


def test_a_class_alone_stays_alone():
    assert with_share({4: 1.0}, 4, 0.2) == {4: 1.0}
    assert with_share({4: 1.0}, 5, 1.0) == {5: 1.0}
    assert with_share({4: 1.0}, 5, 0.0) == {4: 1.0}


def test_a_divider_moves_two_neighbours_only():
    edited = divided({0: 0.2, 1: 0.3, 2: 0.5}, 0, 1, 0.4)
    assert edited == pytest.approx({0: 0.4, 1: 0.1, 2: 0.5})
    assert divided({0: 0.2, 1: 0.3, 2: 0.5}, 0, 1, -3.0)[0] == pytest.approx(SMALLEST)
    assert divided({0: 0.2, 1: 0.3, 2: 0.5}, 0, 1, 3.0)[1] == pytest.approx(SMALLEST)
