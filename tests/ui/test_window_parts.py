"""The parts of the window that stand by themselves: status line, save dialog, walk, background."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton, QToolButton, QToolTip, QVBoxLayout, QWidget

from genviewer.core.spec import LatentSpec
from genviewer.engine.jobs import JobLane, Progress
from genviewer.ui import theme
from genviewer.ui.background import Background
from genviewer.ui.bridge import Bridge
from genviewer.ui.card_window import CardWindow, without_front_matter
from genviewer.ui.latency import LatencyMeter
from genviewer.ui.save_image_dialog import SaveImageDialog
from genviewer.ui.status_line import StatusLine
from genviewer.ui.walker import Walker
from tests.tiny_models import write_tiny_vae
from tests.ui.conftest import PATIENCE_MS

if TYPE_CHECKING:
    from pathlib import Path


def test_callables_posted_from_threads_run_on_the_gui_thread_in_order(qtbot) -> None:
    bridge = Bridge()
    seen: list[tuple[int, bool]] = []
    main = threading.current_thread()

    def post() -> None:
        for i in range(5000):
            bridge.post(lambda i=i: seen.append((i, threading.current_thread() is main)))

    thread = threading.Thread(target=post)
    thread.start()
    qtbot.waitUntil(lambda: len(seen) == 5000, timeout=20_000)
    thread.join()
    assert seen == [(i, True) for i in range(5000)]
    bridge.close()
    bridge.post(lambda: seen.append((-1, False)))
    qtbot.wait(20)
    assert len(seen) == 5000


@pytest.fixture
def background(qtbot):
    lane, bridge = JobLane("test"), Bridge()
    lane.start()
    yield Background(lane, bridge)
    bridge.close()
    lane.stop()


def test_results_and_errors_of_jobs_come_back(qtbot, background: Background) -> None:
    seen: list[object] = []
    background.submit(lambda progress: 42, "answer", done=seen.append)

    def fail(progress: Progress) -> None:
        raise ValueError("no")

    background.submit(fail, "failure", failed=lambda error: seen.append(str(error)))
    qtbot.waitUntil(lambda: len(seen) == 2)
    assert seen == [42, "no"]


def test_long_work_is_shown_with_its_progress_and_can_be_cancelled(
    qtbot, background: Background
) -> None:
    shown: list[tuple[object, object]] = []
    ended: list[str] = []
    background.work_changed.connect(lambda name, fraction: shown.append((name, fraction)))

    def work(progress: Progress) -> None:
        progress.report(0.25, "a quarter")
        while True:
            progress.check()
            threading.Event().wait(0.005)

    background.submit(work, "long work", cancelled=lambda: ended.append("cancelled"))
    qtbot.waitUntil(lambda: ("a quarter", 0.25) in shown)
    background.cancel()
    qtbot.waitUntil(lambda: ended == ["cancelled"])
    assert shown[-1] == (None, None)


def test_short_work_is_not_shown(qtbot, background: Background) -> None:
    shown: list[object] = []
    background.work_changed.connect(lambda name, fraction: shown.append(name))
    done: list[object] = []
    background.submit(lambda progress: 1, "short", done=done.append)
    qtbot.waitUntil(lambda: done == [1])
    qtbot.wait(600)
    assert [name for name in shown if name is not None] == []


def test_the_status_line_asks_for_figures_only_when_touched(qtbot) -> None:
    line = StatusLine()
    qtbot.addWidget(line)
    asked: list[int] = []
    line.refresh_wanted.connect(lambda: asked.append(1))
    qtbot.wait(400)
    assert asked == []
    for _ in range(50):
        line.touch()
    qtbot.wait(400)
    assert len(asked) == 1
    line.set_figures(4.26, 59.7, 3)
    texts = [label.text() for label in line._labels.values()]
    assert texts[3:] == ["  4.3 ms to pixel", " 60 fps", "3 dropped"]


def test_a_long_name_makes_no_window_wider(qtbot) -> None:
    line = StatusLine()
    qtbot.addWidget(line)
    line.set_model("cats", "cpu", "onnx")
    line.set_figures(4.26, 59.7, 3)
    line.show()
    label = line._labels["model"]
    assert label.toolTip() == "The model that is explored"
    name = "Photographs of cats " * 12
    line.set_model(name, "cpu", "onnx")
    line.resize(line.minimumSizeHint())
    assert line.width() < 900
    assert label.toolTip() == name


def test_names_in_tooltips_are_no_markup(qtbot, qapp) -> None:
    theme.apply(qapp, "dark")
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.show()
    QToolTip.showText(QPoint(9, 9), 'More about <img src="/dev/tty">', widget)
    tips = [top for top in qapp.topLevelWidgets() if top.inherits("QTipLabel")]
    assert tips
    assert {tip.textFormat() for tip in tips if isinstance(tip, QLabel)} == {
        Qt.TextFormat.PlainText
    }
    QToolTip.hideText()


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_it_is_seen_which_button_has_the_focus(qtbot, qapp, scheme) -> None:
    theme.apply(qapp, scheme)
    page = QWidget()
    qtbot.addWidget(page)
    rows = QVBoxLayout(page)
    buttons = (QPushButton("Start"), QPushButton("Loop"), QToolButton(), QPushButton("Stop"))
    for button in buttons:
        rows.addWidget(button)
    buttons[0].setDefault(True)
    for button in buttons[1:3]:
        button.setCheckable(True)
        button.setChecked(True)
    with qtbot.waitActive(page):
        page.show()
        page.activateWindow()
    for one, other in zip(buttons, reversed(buttons), strict=True):
        other.setFocus()
        without = one.grab().toImage()
        one.setFocus()
        assert one.grab().toImage() != without


def test_every_event_counts_for_latency(monkeypatch) -> None:
    clock = [10.0]
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    meter = LatencyMeter()
    samples: list[float] = []
    meter.record_into(samples)
    meter.frame_arrived((9.990, 9.996, 0.0))
    meter.painted()
    meter.painted()
    assert samples == pytest.approx([0.010, 0.004])
    assert meter.milliseconds == pytest.approx(7.0)
    assert meter.frames_per_second == 2
    clock[0] = 12.0
    assert meter.frames_per_second == 0


def _dialog(tmp_path: Path, qtbot, sheet: bool = True):
    sizes = {"sample": (28, 28), "sheet": (280, 168)}
    places = {"sample": tmp_path / "a.png", "sheet": tmp_path / "b.png"}
    if not sheet:
        del sizes["sheet"], places["sheet"]
    dialog = SaveImageDialog(None, sizes, places, "sample", 4)
    qtbot.addWidget(dialog)
    return dialog


def test_the_save_dialog_tells_size_and_replacement(tmp_path: Path, qtbot) -> None:
    dialog = _dialog(tmp_path, qtbot)
    assert dialog.scale.told.text() == "112 × 112 pixels"
    assert dialog.save.text() == "Save"
    (tmp_path / "b.png").touch()
    dialog.what.button("sheet").click()
    assert dialog.save.text() == "Replace"
    assert "b.png exists" in dialog.hint.text()
    assert dialog.choice().replace
    dialog.scale.factor.setValue(2)
    assert dialog.scale.told.text() == "560 × 336 pixels"
    assert dialog.choice().what == "sheet"
    dialog.file.edit.setText(str(tmp_path / "c"))
    assert dialog.choice().path == tmp_path / "c.png"
    dialog.file.edit.setText("  ")
    assert not dialog.save.isEnabled()


def test_format_and_suffix_go_together(tmp_path: Path, qtbot) -> None:
    dialog = _dialog(tmp_path, qtbot)
    dialog.format.button("tiff").click()
    assert dialog.choice().path == tmp_path / "a.tif"
    dialog.bits.setCurrentIndex(1)
    assert dialog.choice().picture.bits == 16
    dialog.file.edit.setText(str(tmp_path / "x.jpeg"))
    assert dialog.format.current == "jpeg"
    assert dialog.choice().picture.bits == 8  # the format holds no more
    assert dialog.choice().path == tmp_path / "x.jpeg"


def test_smooth_sizes_keep_the_shape_and_have_no_headers(tmp_path: Path, qtbot) -> None:
    dialog = _dialog(tmp_path, qtbot)
    dialog.what.button("sheet").click()
    assert dialog.choice().picture.headers
    dialog.scale.method.setCurrentIndex(1)
    dialog.scale.wide.setValue(1000)
    assert dialog.choice().picture.canvas == (1000, 600)
    assert not dialog.choice().picture.headers


def test_without_a_sheet_only_the_sample_can_be_saved(tmp_path: Path, qtbot) -> None:
    dialog = _dialog(tmp_path, qtbot, sheet=False)
    dialog.show()
    assert not dialog.what.button("sheet").isVisible()
    assert not dialog.what.button("pins").isVisible()
    assert dialog.choice().what == "sample"


def test_a_walk_moves_follows_the_hand_and_rests(qtbot) -> None:
    walker = Walker()
    seen: list[np.ndarray] = []
    toggles: list[bool] = []
    walker.stepped.connect(lambda values, key: seen.append(values))
    walker.toggled.connect(toggles.append)
    start = np.zeros(3, np.float32)
    locked = np.array([False, True, False])
    walker.start(LatentSpec(3), start, "random", 1.0, 8.0, locked)
    qtbot.waitUntil(lambda: len(seen) > 5)
    assert all(values[1] == 0.0 for values in seen)
    assert not np.array_equal(seen[0], seen[-1])
    elsewhere = np.array([2.0, 1.0, -2.0], np.float32)
    walker.follow(elsewhere)
    count = len(seen)
    qtbot.waitUntil(lambda: len(seen) > count + 2)
    assert np.abs(seen[count] - elsewhere).max() < 0.5
    walker.follow(np.zeros(5, np.float32))
    assert toggles == [True, False]
    count = len(seen)
    qtbot.wait(60)
    assert len(seen) == count


def test_a_cards_front_matter_is_not_shown() -> None:
    assert without_front_matter("---\nlicense: mit\n---\n\n# Title\n") == "# Title\n"
    assert without_front_matter("# Title\n---\nx") == "# Title\n---\nx"


def test_escape_closes_a_card(qtbot, tmp_path: Path) -> None:
    card = CardWindow(write_tiny_vae(tmp_path / "tiny"))
    card.show()
    qtbot.waitExposed(card)
    with qtbot.waitSignal(card.destroyed):
        QTest.keyClick(card, Qt.Key.Key_Escape)


def test_the_action_of_a_panel_behind_others_brings_it_to_the_front(window, qtbot):
    inspect, directions = (window.actions_by_id[n] for n in ("show_inspect", "show_directions"))
    inspect.trigger()
    directions.trigger()
    docks = window.docks._docks
    qtbot.waitUntil(lambda: docks["show_inspect"].visibleRegion().isEmpty(), timeout=PATIENCE_MS)
    inspect.trigger()
    qtbot.waitUntil(
        lambda: not docks["show_inspect"].visibleRegion().isEmpty(), timeout=PATIENCE_MS
    )
    assert inspect.isChecked()
    assert directions.isChecked()
    inspect.trigger()
    assert docks["show_inspect"].isHidden()
    assert not inspect.isChecked()
