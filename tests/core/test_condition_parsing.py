import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genviewer.core.condition import ClassPart, Condition, VectorPart, blend, one_class, pack
from genviewer.core.condition_parsing import (
    ConditionError,
    condition_named,
    conditions_from_labels,
    describe,
    labels_from_conditions,
    parse_classes,
    parse_mix,
    parse_parts,
)
from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec

LETTERS = ConditionSpec("letter", "class", 6, ("a", "b", "c", "d", "e", "f"), optional=True)
ODD = ConditionSpec("thing", "class", 5, ("a,b", "#1", "x..y", 'say "hi"', "cat"))
BARE = ConditionSpec("kind", "class", 12)
DIGITS = ConditionSpec("digit", "class", 10, tuple("0123456789"))
FACE = ConditionSpec("face", "attributes", 3, ("smile", "hat", "glasses"))
ANGLE = ConditionSpec("angle", "continuous", 1)
CAPTION = ConditionSpec("caption", "text", 1)


def spec_of(*conditions: ConditionSpec) -> Spec:
    return Spec("toy", "vae", LatentSpec(4), ImageSpec(1, 8, 8), conditions)


@pytest.mark.parametrize(
    ("text", "wanted", "indices"),
    [
        ("c", LETTERS, (2,)),
        ("#3", LETTERS, (3,)),
        ("a,c, e", LETTERS, (0, 2, 4)),
        ("b..e", LETTERS, (1, 2, 3, 4)),
        ("e..b", LETTERS, (4, 3, 2, 1)),
        ("#1..d", LETTERS, (1, 2, 3)),
        ("f,a..c,f", LETTERS, (5, 0, 1, 2, 5)),
        ("a,b", ODD, (0,)),
        ('"a,b",cat', ODD, (0, 4)),
        ("#1", ODD, (1,)),
        ("#0", ODD, (0,)),
        ("x..y", ODD, (2,)),
        ("x..y..cat", ODD, (2, 3, 4)),
        ('"say ""hi""",cat', ODD, (3, 4)),
        ("7", BARE, (7,)),
        ("3..5", BARE, (3, 4, 5)),
        ("7", DIGITS, (7,)),
        ("#7..#9", DIGITS, (7, 8, 9)),
    ],
)
def test_classes(text, wanted, indices):
    assert parse_classes(text, wanted) == indices


@pytest.mark.parametrize(
    ("text", "wanted", "told"),
    [
        ("g", LETTERS, "no class 'g'"),
        ("#6", LETTERS, "#0 to #5"),
        ("#²", LETTERS, "no class"),
        ("", LETTERS, "not a list"),
        ("a,,b", LETTERS, "not a list"),
        ("a..z", LETTERS, "no class 'a..z'"),
        ("10", DIGITS, "no class '10'"),
        ("caat", ODD, "did you mean cat?"),
        ("12", BARE, "#0 to #11"),
        ("#" + "9" * 5000, BARE, "#0 to #11"),
        ("x", BARE, "it has #0 to #11"),
    ],
)
def test_no_such_class(text, wanted, told):
    with pytest.raises(ConditionError, match=told):
        parse_classes(text, wanted)


@given(st.text(max_size=30))
def test_any_text_gives_classes_or_one_sentence(text):
    try:
        indices = parse_classes(text, ODD)
    except ConditionError:
        return
    assert indices
    assert all(0 <= index < ODD.size for index in indices)


@pytest.mark.parametrize("name", ODD.names or ())
def test_every_name_finds_its_class(name):
    assert parse_classes(name, ODD) == ((ODD.names or ()).index(name),)


def test_mix_is_normalised_and_adds_up():
    assert parse_mix("a:1,c:3", LETTERS) == ClassPart("letter", ((0, 0.25), (2, 0.75)))
    assert parse_mix("a:1,#0:1,b:2", LETTERS) == ClassPart("letter", ((0, 0.5), (1, 0.5)))
    assert parse_mix('"a,b:1",#1:1', ODD) == ClassPart("thing", ((0, 0.5), (1, 0.5)))
    assert parse_mix("a..b:1", LETTERS) == ClassPart("letter", ((0, 0.5), (1, 0.5)))


@pytest.mark.parametrize("text", ["a", "a:", "a:x", "a:-1", "a:0", "a:nan", "a:inf", "z:1", ":1"])
def test_bad_mixes_are_refused(text):
    with pytest.raises(ConditionError):
        parse_mix(text, LETTERS)


def test_parts_of_every_kind():
    assert parse_parts("b,a", LETTERS) == (one_class("letter", 1), one_class("letter", 0))
    assert parse_parts("any", LETTERS) == (None,)
    assert parse_parts("1,0,0.5", FACE) == (VectorPart("face", (1.0, 0.0, 0.5)),)
    assert parse_parts("hat:0.7", FACE) == (VectorPart("face", (0.0, 0.7, 0.0)),)
    assert parse_parts("-0.25", ANGLE) == (VectorPart("angle", (-0.25,)),)
    assert [getattr(p, "text", None) for p in parse_parts("a, b", CAPTION)] == ["a, b"]
    for text, wanted in [("1,2", FACE), ("beard:1", FACE), ("nan", ANGLE), ("any", DIGITS)]:
        with pytest.raises(ConditionError):
            parse_parts(text, wanted)


def test_condition_named_tells_which_there_are():
    spec = spec_of(LETTERS, ANGLE)
    assert condition_named("angle", spec) is ANGLE
    with pytest.raises(ConditionError, match="letter, angle"):
        condition_named("size", spec)
    with pytest.raises(ConditionError, match="unconditional"):
        condition_named("size", spec_of())


def test_integer_labels():
    spec = spec_of(LETTERS, ANGLE, DIGITS)
    one = conditions_from_labels(np.array([2, -1]), spec)
    assert one == [Condition((one_class("letter", 2),)), Condition()]
    assert conditions_from_labels(np.array([[2], [-1]], np.int8), spec) == one
    two = conditions_from_labels(np.array([[0, 9]]), spec)
    assert two[0].class_weights("letter") == {0: 1.0}
    assert two[0].class_weights("digit") == {9: 1.0}


def test_float_labels():
    only = conditions_from_labels(np.array([[1.0, 0, 0, 0, 0, 3.0], [0.0] * 6]), spec_of(LETTERS))
    assert only[0].class_weights("letter") == {0: 0.25, 5: 0.75}
    assert only[1] == Condition()
    angles = conditions_from_labels(np.array([[0.5], [-1.0]], np.float32), spec_of(DIGITS, ANGLE))
    assert angles[1].part("angle") == VectorPart("angle", (-1.0,))
    every = conditions_from_labels(
        np.array([[0, 0, 1, 0.5, 0.25, 0.75]]),
        spec_of(ConditionSpec("k", "class", 3), FACE),
    )
    assert every[0].part("face") == VectorPart("face", (0.5, 0.25, 0.75))


@pytest.mark.parametrize(
    ("labels", "conditions"),
    [
        (np.array([6]), (LETTERS,)),
        (np.array([-1]), (DIGITS,)),
        (np.array([[1, 2]]), (LETTERS,)),
        (np.array([[[1]]]), (LETTERS,)),
        (np.array(1), (LETTERS,)),
        (np.array(["a"]), (LETTERS,)),
        (np.array([1.0]), (LETTERS,)),
        (np.zeros((2, 6)), (ConditionSpec("k", "class", 6),)),
        (np.array([[1.0, -1.0, 0.0]]), (ConditionSpec("k", "class", 3),)),
        (np.array([[np.nan]]), (ANGLE,)),
        (np.zeros((2, 7)), (LETTERS,)),
        (np.array([0]), ()),
        (np.array([True]), (LETTERS,)),
    ],
)
def test_labels_that_do_not_fit(labels, conditions):
    with pytest.raises(ConditionError):
        conditions_from_labels(labels, spec_of(*conditions))


@given(st.lists(st.dictionaries(st.integers(0, 5), st.integers(1, 100)), max_size=4))
def test_labels_read_back(rows):
    spec = spec_of(LETTERS)
    conditions = [Condition((blend("letter", dict(row)),)) if row else Condition() for row in rows]
    labels = labels_from_conditions(conditions, spec)
    again = conditions_from_labels(labels, spec) if len(rows) else []
    packed = np.array([pack(c, spec) for c in conditions])
    assert np.allclose(packed, np.array([pack(c, spec) for c in again]), atol=1e-6)
    if all(len(row) <= 1 for row in rows):
        assert labels.dtype == np.int64


def test_labels_of_an_unconditional_model_have_no_columns():
    assert labels_from_conditions([Condition()] * 3, spec_of()).shape == (3, 0)


def test_describe():
    spec = spec_of(LETTERS, FACE)
    mixed = Condition((blend("letter", {0: 3, 1: 1}), VectorPart("face", (0.5, 0.0, 1.0))))
    assert describe(mixed, spec) == "a 75% + b 25% · 0.5 0 1"
    assert describe(Condition((one_class("letter", 3),)), spec) == "d · any"
    assert describe(Condition(), spec_of()) == ""
