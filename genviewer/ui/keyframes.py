"""Plays and edits the keyframes of the Session."""

from __future__ import annotations

import bisect
import time
from itertools import count
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QMenu

from genviewer.session import edits
from genviewer.session.track import Track, TrackError
from genviewer.ui.icons import icon
from genviewer.ui.thumbnail_pictures import picture_of, small_png

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from PySide6.QtCore import QPoint

    from genviewer.core.keyframes import Timeline
    from genviewer.core.scene import Pane, Scene
    from genviewer.session.session import Session
    from genviewer.ui.widgets.keyframe_panel import KeyframePanel

FRAME_MS = 16
_numbers = count(1)


class Keyframes(QObject):
    """Keeps the panel and the Session's keyframes in step, and plays them (GUI thread).

    Args:
        session: whose current sample follows the playing.
        panel: what shows the keyframes.
        tell: (text, severity) says something.
        tell_with_undo: (text, undo) says what happened, with a way to take it back.
        current_pixels: the current sample as shown, uint8 (H, W, C), or None.
    """

    def __init__(
        self,
        session: Session,
        panel: KeyframePanel,
        tell: Callable[[str, str], None],
        tell_with_undo: Callable[[str, Callable[[], object] | None], None],
        current_pixels: Callable[[], NDArray[np.uint8] | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self.panel, self._tell = session, panel, tell
        self._tell_with_undo, self._current_pixels = tell_with_undo, current_pixels
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self._step)
        self._now, self._started, self._key = 0.0, 0.0, ""
        session.track_changed.connect(self.refresh)
        session.changed.connect(self._follow)
        panel.play_toggled.connect(self.play)
        panel.add_wanted.connect(self.add_current)
        panel.clear_wanted.connect(self.clear)
        panel.loop_toggled.connect(lambda on: self._change(loop=on))
        panel.path_chosen.connect(lambda path: self._change(path=path))
        panel.timing_edited.connect(self._edit_timing)
        strip = panel.strip
        strip.chosen.connect(self.go_to)
        strip.scrubbed.connect(self._scrub)
        strip.moved.connect(self._move)
        strip.removed.connect(self.remove)
        strip.menu_wanted.connect(self._show_menu)
        self.refresh()

    @property
    def playing(self) -> bool:
        """Whether it plays."""
        return self._timer.isActive()

    # keyframes

    def add_current(self) -> None:
        """Make the current sample a keyframe, after the chosen one."""
        pixels = self._current_pixels()
        if pixels is not None:
            at = self.panel.strip.current
            self.add(self._session.scene.pane, pixels, at + 1 if at >= 0 else None)

    def add(self, pane: Pane, pixels: NDArray[np.uint8], at: int | None = None) -> None:
        """Make a sample, uint8 (H, W, C), a keyframe, by default the last."""
        self.add_thumbnail(pane, small_png(pixels), at)

    def add_thumbnail(self, pane: Pane, thumbnail: bytes, at: int | None = None) -> None:
        """The same with a picture that is a PNG already, such as a pin's."""
        session = self._session
        try:
            track = session.track.with_added(
                session.cited_pane(pane, session.track.model), thumbnail, at
            )
        except TrackError as error:
            self._tell(str(error), "warning")
            return
        self._session.set_track(track)
        self.panel.strip.set_current(at if at is not None else len(track.keyframes) - 1)
        self.refresh()

    def remove(self, index: int) -> None:
        """Take a keyframe away, with a way back."""
        before = self._session.track
        self._session.set_track(before.without(index))
        self._tell_with_undo(
            f"Removed keyframe {index + 1}.", lambda: self._session.set_track(before)
        )

    def clear(self) -> None:
        """Take all keyframes away, with a way back."""
        before = self._session.track
        if before.keyframes:
            self.stop()
            self._session.set_track(Track(loop=before.loop, path=before.path))
            self._tell_with_undo(
                f"Removed {len(before.keyframes)} keyframes.",
                lambda: self._session.set_track(before),
            )

    def go_to(self, index: int) -> None:
        """Make a keyframe the current sample."""
        timeline = self._session.track.timeline
        if timeline is not None:
            self.stop()
            self._key = f"keyframe:{next(_numbers)}"
            self._show(timeline, self._time_of(timeline, float(index)))

    def _move(self, index: int, to: int) -> None:
        self._session.set_track(self._session.track.moved(index, to))
        self.panel.strip.set_current(to)
        self.refresh()

    def _change(self, **values: object) -> None:
        self._session.set_track(msgspec.structs.replace(self._session.track, **values))

    def _edit_timing(self, index: int, seconds: float, easing: str, key: str) -> None:
        track = self._session.track
        keyframe = msgspec.structs.replace(track.keyframes[index], seconds=seconds, easing=easing)
        self._session.set_track(track.with_keyframe(index, keyframe))

    def _show_menu(self, index: int, where: QPoint) -> None:
        menu = QMenu(self.panel)
        menu.addAction(icon("focus"), "Go Here", lambda: self.go_to(index))
        menu.addAction(icon("copy"), "Repeat at the End", lambda: self._repeat(index))
        menu.addAction(icon("trash"), "Remove", lambda: self.remove(index))
        menu.exec(where)
        menu.deleteLater()

    def _repeat(self, index: int) -> None:
        track = self._session.track
        if track.model is not None:
            pane = msgspec.structs.replace(
                self._session.scene.pane,
                model=track.model,
                recipe=track.keyframes[index].recipe,
            )
            self.add_thumbnail(pane, track.thumbnails[index])

    def refresh(self, _track: Track | None = None) -> None:
        """Show the Session's keyframes."""
        track = self._session.track
        self.panel.set_track(track, [picture_of(data) for data in track.thumbnails])
        if len(track.keyframes) < 2:
            self.stop()
        timeline = track.timeline
        whole = track.seconds
        self._now = min(self._now, whole)
        place = self._place_of(timeline, self._now) if timeline is not None else None
        self.panel.strip.set_place(place)
        self.panel.set_time(self._now, whole)

    # playing

    def play(self, on: bool) -> None:
        """Play on from where it stands, from the start if that is the end; or pause."""
        timeline = self._session.track.timeline
        if not on or timeline is None or not timeline.segments:
            self.stop()
            return
        if not timeline.loop and self._now >= timeline.seconds - 1e-6:
            self._now = 0.0
        self._started = time.perf_counter() - self._now
        self._key = f"play:{next(_numbers)}"
        self._timer.start()
        self.panel.set_playing(True)

    def stop(self) -> None:
        """Stand still."""
        self._timer.stop()
        self.panel.set_playing(False)

    def _step(self) -> None:
        timeline = self._session.track.timeline
        if timeline is None:
            self.stop()
            return
        now = time.perf_counter() - self._started
        if timeline.loop:
            now %= timeline.seconds
        elif now >= timeline.seconds:
            now = timeline.seconds
            self.stop()
        self._show(timeline, now)

    def _scrub(self, place: float, ended: bool) -> None:
        timeline = self._session.track.timeline
        if timeline is None:
            return
        if self.playing or not self._key.startswith("scrub"):
            self.stop()
            self._key = f"scrub:{next(_numbers)}"
        self._show(timeline, self._time_of(timeline, place))
        if ended:
            self._key = ""

    def _show(self, timeline: Timeline, now: float) -> None:
        """Make the sample at that time the current one."""
        track, session = self._session.track, self._session
        self._now = now
        recipe = timeline.at(now)
        if track.model is not None and track.model.id != session.scene.model.id:
            edits.go_to(session, track.model, recipe)
        else:
            session.edit_recipe(recipe, self._key)
        self.panel.strip.set_place(self._place_of(timeline, now))
        self.panel.set_time(now, track.seconds)

    def _follow(self, scene: Scene) -> None:
        """Somebody took the sample elsewhere: the playing gives way."""
        timeline = self._session.track.timeline
        if self.playing and timeline is not None and scene.recipe != timeline.at(self._now):
            self.stop()

    def _time_of(self, timeline: Timeline, place: float) -> float:
        starts = timeline.starts
        segment = min(int(place), timeline.segments - 1)
        if segment < 0:
            return 0.0
        return starts[segment] + (place - segment) * (starts[segment + 1] - starts[segment])

    def _place_of(self, timeline: Timeline, now: float) -> float:
        starts = timeline.starts
        if not timeline.segments:
            return 0.0
        segment = min(max(bisect.bisect_right(starts, now) - 1, 0), timeline.segments - 1)
        return segment + (now - starts[segment]) / (starts[segment + 1] - starts[segment])
