import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from genviewer.core.condition import Condition, TextPart, VectorPart, blend, one_class
from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec
from genviewer.ui.widgets.condition_panel import ConditionPanel
from tests.ui.widgets import hands
from tests.ui.widgets.hands import LEFT, NONE

DIGIT = ConditionSpec("digit", "class", 10, tuple("0123456789"), optional=True)
MANY = ConditionSpec("breed", "class", 1000, tuple(f"breed {i:04}" for i in range(1000)))
FACE = ConditionSpec("face", "attributes", 3, ("Smiling", "Young", "Black_Hair"), optional=True)
ANGLE = ConditionSpec("angle", "continuous", 1, low=-180, high=180)
CAPTION = ConditionSpec("caption", "text", 1)


def spec(*conditions):
    return Spec("m", "vae", LatentSpec(4), ImageSpec(1, 8, 8), conditions=conditions)


@pytest.fixture
def make(qtbot):
    def build(*conditions):
        panel = ConditionPanel()
        qtbot.addWidget(panel)
        panel.resize(300, 500)
        panel.set_spec(spec(*conditions))
        panel.show()
        qtbot.waitExposed(panel)
        panel.got = []
        panel.edited.connect(lambda condition, key: panel.got.append((condition, key)))
        return panel

    return build


def click(editor, index, modifiers=NONE):
    chips = editor.chips
    QTest.mouseClick(chips, LEFT, modifiers, chips.chip_rect(index).center())


def test_a_model_without_conditions_says_so(make):
    panel = make()
    assert panel.quiet.isVisible()
    assert not panel.has_conditions
    panel.set_spec(spec(DIGIT))
    assert not panel.quiet.isVisible()
    assert panel.has_conditions
    panel.set_spec(None)
    assert panel.quiet.isVisible()


def test_classes_are_chosen_blended_and_left_open(make):
    panel = make(DIGIT)
    editor = panel.editors["digit"]
    panel.set_condition(Condition((one_class("digit", 3),)))
    assert editor.summary.text() == "3"
    assert not editor.blend.isVisible()
    click(editor, 4, Qt.KeyboardModifier.ControlModifier)
    assert panel.got[-1][0] == Condition((blend("digit", {3: 1, 4: 1}),))
    assert editor.blend.isVisible()
    click(editor, 9)
    assert panel.got[-1][0] == Condition((one_class("digit", 9),))
    assert not editor.blend.isVisible()
    QTest.mouseClick(editor.any, LEFT)
    assert panel.got[-1][0] == Condition()
    assert editor.summary.text() == "any"
    QTest.mouseClick(editor.any, LEFT)
    assert editor.any.isChecked()
    assert len({key for _, key in panel.got}) == len(panel.got) == 3


def test_any_is_offered_only_where_the_model_knows_it(make):
    panel = make(DIGIT, MANY)
    assert panel.editors["digit"].any.isVisible()
    assert not panel.editors["breed"].any.isVisible()


def test_hundreds_of_classes_are_searched(make):
    panel = make(MANY)
    editor = panel.editors["breed"]
    editor.search.setFocus()
    QTest.keyClicks(editor.search, "0777")
    assert editor.chips.shown == (777,)
    QTest.keyClick(editor.search, Qt.Key.Key_Return)
    assert panel.got[-1][0] == Condition((one_class("breed", 777),))
    QTest.keyClicks(editor.search, "x")
    assert editor.nothing.isVisible()
    QTest.keyClick(editor.search, Qt.Key.Key_Escape)
    assert len(editor.chips.shown) == 1000


def test_the_chosen_class_is_scrolled_into_sight(make, qtbot):
    panel = make(MANY)
    editor = panel.editors["breed"]
    panel.set_condition(Condition((one_class("breed", 900),)))

    def in_sight():
        seen = editor.chips.visibleRegion().boundingRect()
        assert seen.contains(editor.chips.chip_rect(900))

    qtbot.waitUntil(in_sight)


def test_attributes_are_sliders_and_keep_the_other_parts(make):
    panel = make(DIGIT, FACE, ANGLE)
    start = Condition((one_class("digit", 1), VectorPart("face", (0.0, 1.0, 0.5))))
    panel.set_condition(start)
    editor = panel.editors["face"]
    assert [s.value for s in editor.sliders] == [0.0, 1.0, 0.5]
    track = editor.sliders[2].track
    hands.drag(track, [QPoint(round(track._x(f)), 12) for f in (0.5, 0.75, 1.0)])
    assert panel.got[-1][0] == start.with_part(VectorPart("face", (0.0, 1.0, 1.0)))
    assert len({key for _, key in panel.got}) == 1
    QTest.mouseClick(editor.any, LEFT)
    assert panel.got[-1][0] == start.without("face")
    assert editor.any.isChecked()
    QTest.keyClick(track, Qt.Key.Key_Right)
    assert not editor.any.isChecked()


def test_two_sliders_of_one_name_in_two_conditions_are_two_steps(make):
    panel = make(ANGLE, ConditionSpec("other", "continuous", 1, low=0, high=1))
    for name in ("angle", "other"):
        QTest.keyClick(panel.editors[name].sliders[0].track, Qt.Key.Key_Right)
    assert panel.got[0][1] != panel.got[1][1]
    assert panel.got[1][0].part("angle").values[0] == pytest.approx(3.6)


def test_a_caption_is_typed(make):
    panel = make(CAPTION)
    QTest.keyClicks(panel.editors["caption"].line, "a cat")
    assert panel.got[-1][0] == Condition((TextPart("caption", "a cat"),))
    assert len({key for _, key in panel.got}) == 1


def test_set_condition_is_no_edit(make):
    panel = make(DIGIT, FACE, CAPTION)
    panel.set_condition(
        Condition((one_class("digit", 1), VectorPart("face", (1, 1, 1)), TextPart("caption", "b")))
    )
    assert panel.editors["caption"].line.text() == "b"
    assert panel.got == []


def test_another_model_with_the_same_conditions_keeps_the_controls(make):
    panel = make(DIGIT)
    before = panel.editors["digit"]
    panel.set_spec(spec(DIGIT))
    assert panel.editors["digit"] is before
    panel.set_spec(spec(FACE))
    assert list(panel.editors) == ["face"]
