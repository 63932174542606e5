"""The panel of the training: what it offers in each state, and what is chosen in it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from genviewer.ui.widgets.rate_box import RateBox
from genviewer.ui.widgets.training_choices import Choices, TrainingChoices
from genviewer.ui.widgets.training_panel import Standing, TrainingPanel, duration

PRESETS = [
    ("touch", "A touch", "A little."),
    ("normal", "Normal", "As usual."),
    ("scratch", "From scratch", "All anew."),
]


@pytest.fixture
def choices(qtbot):
    widget = TrainingChoices(PRESETS)
    qtbot.addWidget(widget)
    widget.resize(640, 260)
    widget.show()
    return widget


@pytest.fixture
def panel(qtbot):
    widget = TrainingPanel(QWidget(), QWidget())
    qtbot.addWidget(widget)
    widget.resize(640, 300)
    widget.show()
    return widget


def test_what_is_shown_is_what_is_chosen_and_nobody_is_told(qtbot, choices):
    shown = Choices("touch", "last", 2.5e-5, 32, 777, 5, 2, "brightness,cutout")
    choices.set_offer(("all", "last"), (), discriminator="own")
    with qtbot.assertNotEmitted(choices.edited):
        choices.set_choices(shown)
    assert choices.choices == shown


def test_the_length_can_be_said_in_epochs(qtbot, choices):
    choices.set_choices(Choices("normal", batch_size=20, steps=100))
    choices.set_images(200)
    assert choices.epochs.text() == "10 epochs"
    choices.unit.setCurrentIndex(1)
    choices.unit.activated.emit(1)
    assert (choices.steps.value(), choices.choices.steps) == (10, 100)
    with qtbot.waitSignal(choices.edited):
        choices.steps.setValue(3)
    assert choices.choices.steps == 30
    choices.set_images(0)
    assert not choices.unit.isEnabled()


def test_in_an_epoch_no_drawn_picture_counts_as_an_image(choices):
    choices.set_choices(Choices("normal", batch_size=32, steps=100))
    choices.set_images(64, 0.5)
    assert choices.epochs.text() == "25 epochs"  # of 16 images a step
    choices.unit.setCurrentIndex(1)
    choices.unit.activated.emit(1)
    assert (choices.steps.value(), choices.choices.steps) == (25, 100)
    choices.batch.setValue(1)
    choices.steps.setValue(2)
    assert choices.choices.steps == 128


def test_from_scratch_no_layer_of_the_discriminator_stays(qtbot, choices):
    choices.set_offer(("all",), (), discriminator="own")
    usual = choices.freeze_d.toolTip()
    choices.set_choices(Choices("scratch"))
    assert not choices.freeze_d.isEnabled()
    assert "begins again" in choices.freeze_d.toolTip()
    choices.set_choices(Choices("normal"))
    assert choices.freeze_d.isEnabled()
    assert choices.freeze_d.toolTip() == usual
    qtbot.mouseClick(choices.preset.button("scratch"), Qt.MouseButton.LeftButton)
    assert not choices.freeze_d.isEnabled()


def test_what_a_choice_means_can_be_read_again_after_a_training(choices):
    tips = choices.steps.toolTip(), choices.unit.toolTip()
    assert all(tips)
    choices.set_locked("The training runs so.")
    assert choices.steps.toolTip() == choices.unit.toolTip() == "The training runs so."
    choices.set_locked("")
    assert (choices.steps.toolTip(), choices.unit.toolTip()) == tips


def test_layers_that_the_model_lacks_cannot_be_chosen_and_say_why(choices):
    choices.set_offer(("all", "last"), ("A note.",), discriminator="none")
    item = choices.layers.model().item(choices.layers.findData("condition"))
    assert not item.isEnabled()
    assert "nothing of the kind" in item.toolTip()
    assert choices.notes.text() == "A note."
    assert not choices.freeze_d.isEnabled()
    assert "GAN" in choices.augments["cutout"].toolTip()


def test_where_there_is_room_no_choice_has_to_be_scrolled_to(qtbot, choices):
    choices.fold.setChecked(True)
    last = choices.augments["cutout"]
    for width, seen in ((640, False), (1010, True), (650, False)):
        choices.resize(width, 200)
        qtbot.waitUntil(lambda: last.visibleRegion().isEmpty() != seen)  # noqa: B023 - at once
    choices.fold.setChecked(False)
    assert not last.isVisible()


def test_a_preset_is_told_and_explained(qtbot, choices):
    choices.set_choices(Choices("normal"))
    with qtbot.waitSignal(choices.preset_chosen) as told:
        qtbot.mouseClick(choices.preset.button("touch"), Qt.MouseButton.LeftButton)
    assert told.args == ["touch"]
    assert choices.hint.text() == "A little."


def test_a_rate_steps_by_factors_and_keeps_what_is_typed(qtbot):
    box = RateBox(1e-7, 1.0)
    qtbot.addWidget(box)
    box.setValue(1e-3)
    box.stepBy(10)
    assert box.value() == pytest.approx(1e-2)
    box.stepBy(-30)
    assert box.value() == pytest.approx(1e-5)
    assert box.text() == "1e-5"
    box.selectAll()
    qtbot.keyClicks(box, "2.5e-6\t")
    box.interpretText()
    assert box.value() == pytest.approx(2.5e-6)


@pytest.mark.parametrize(
    ("state", "text", "signal"),
    [
        ("none", "Start", "start_wanted"),
        ("running", "Pause", "pause_wanted"),
        ("paused", "Resume", "resume_wanted"),
        ("stopped", "Resume", "resume_wanted"),
        ("failed", "Resume", "resume_wanted"),
        ("finished", "Keep…", "keep_wanted"),
    ],
)
def test_the_large_button_does_what_comes_next(qtbot, panel, state, text, signal):
    blocked = "" if state == "none" else "No images are needed to go on."
    panel.set_standing(Standing(state, 5, 10, blocked=blocked, model=True))
    assert panel.main.text() == text
    emitter = panel.run if signal == "keep_wanted" else panel
    with qtbot.waitSignal(getattr(emitter, signal)):
        qtbot.mouseClick(panel.main, Qt.MouseButton.LeftButton)
    assert panel.stop.isVisible() == (state in ("running", "paused"))


@pytest.mark.parametrize(
    ("standing", "why"),
    [
        (Standing("none", blocked="There are no images yet."), "There are no images yet."),
        (Standing("starting"), "moment"),
        (Standing("finished", 10, 10), "on its way"),
        (Standing("running", 3, 10, watched=True), "elsewhere"),
    ],
)
def test_a_button_that_cannot_be_pressed_says_why(panel, standing, why):
    panel.set_standing(standing)
    assert not panel.main.isEnabled()
    assert why in panel.main.toolTip()


@pytest.mark.parametrize(
    ("state", "chosen"), [("none", True), ("stopped", True), ("paused", False)]
)
def test_the_button_says_what_a_training_would_run_on(panel, state, chosen):
    panel.set_standing(Standing(state, 3, 10))
    assert panel.main.isEnabled()
    where = "on the NVIDIA GPU that draws it, or else on the CPU"
    assert (where in panel.main.toolTip()) == chosen


def test_there_is_something_to_keep_only_once_there_are_weights(qtbot, panel):
    run = panel.run
    panel.show_page("run")
    panel.set_standing(Standing("starting"))
    assert not any(b.isEnabled() for b in (run.keep, run.checkpoint, run.compare))
    panel.set_standing(Standing("running", 1234, 5000, 812.4, 75.0, model=True))
    assert all(b.isEnabled() for b in (run.keep, run.checkpoint, run.compare, run.discard))
    shown = {name: label.text() for name, label in run._figures.items()}
    assert shown == {
        "Step": "Step 1,234 of 5,000",
        "Speed": "812 images/s",
        "Left": "1 min 15 s left",
    }
    with qtbot.waitSignal(run.discard_wanted):
        qtbot.mouseClick(run.discard, Qt.MouseButton.LeftButton)
    panel.set_standing(Standing("running", 1, 5, model=True, watched=True))
    assert not run.discard.isEnabled()


def test_nothing_is_cut_off_in_the_smallest_panel_of_the_first_window(qtbot, panel):
    panel.resize(692, 240)
    panel.show_page("run")
    panel.set_standing(Standing("running", 12_345, 50_000, 1812.4, 7500.0, model=True))
    run = panel.run
    left = run._figures["Left"]
    qtbot.waitUntil(lambda: left.width() >= left.sizeHint().width())
    shown = [*run._figures.values(), run.keep, run.checkpoint, run.compare, run.timeline]
    shown += [run.leave, run.discard]
    for widget in shown:
        hint = widget.sizeHint()
        assert widget.width() >= hint.width(), widget.text()
        assert widget.height() >= min(hint.height(), 28), widget.text()
    places = [widget.geometry() for widget in shown]
    for index, place in enumerate(places):
        assert not any(place.intersects(other) for other in places[:index]), shown[index].text()
        assert place.bottom() < run.height()


def test_times_are_told_in_two_units():
    assert [duration(s) for s in (9.4, 61, 3725)] == ["9 s", "1 min 01 s", "1 h 02 min"]
