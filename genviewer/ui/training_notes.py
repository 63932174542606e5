"""What the headers of panes say about a training: which of two is the one before, which step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.ui.training import Training


class TrainingNotes(QObject):
    """Keeps the notes in step with what is drawn (GUI thread).

    Args:
        training: whose models are shown.
        show: takes the notes by model id.
    """

    def __init__(
        self,
        training: Training,
        show: Callable[[dict[str, str]], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._training, self._show = training, show
        training.run_changed.connect(lambda _: self._note())
        training.step_shown.connect(lambda _: self._note())
        self._note()

    def _note(self) -> None:
        live, notes = self._training.live, {}
        if live.base is not None and live.ref is not None:
            step = live.snapshot.step if live.snapshot is not None else None
            notes[live.base.ref.id] = "before"
            notes[live.ref.id] = "training" if step is None else f"step {step:,}"
        self._show(notes)
