"""What a person is asked when a file from elsewhere is opened: whether it may run a program, and
which pictures look right where the weights do not say.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from genviewer.engine.thumbnails import thumbnail
from genviewer.io.readers.alternatives import asked, variant
from genviewer.ui.assumptions_dialog import AssumptionsDialog
from genviewer.ui.question_box import question_box

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from genviewer.engine.jobs import Progress
    from genviewer.io.bundle import Assumption, Bundle
    from genviewer.io.programs.trust import TrustQuestion
    from genviewer.ui.background import Background
    from genviewer.ui.models import Loaded, ModelStore


EVERYTHING = 1.1
"""Above any confidence."""


class Host(Protocol):
    """What the window offers to these questions."""

    def tell(self, text: str, severity: str = "info") -> None: ...


class OpeningQuestions:
    """Asks, remembers and opens again (GUI thread); alternatives are drawn in a job lane."""

    def __init__(
        self, window: QWidget, host: Host, store: ModelStore, background: Background
    ) -> None:
        self._window = window
        self._host = host
        self._store = store
        self._background = background
        self._dialog: AssumptionsDialog | None = None

    @property
    def dialog(self) -> AssumptionsDialog | None:
        """The question that is open, if any."""
        return self._dialog

    # trust

    def ask_trust(self, question: TrustQuestion, then: Callable[[], None]) -> None:
        """Ask whether a file may run its program; ``then`` opens it, once that is remembered."""
        box = question_box(self._window, "Run what is in this file?", question.text, risky=True)
        run = box.addButton("Trust and open", QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(QMessageBox.StandardButton.Cancel)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

        def answered() -> None:
            if box.clickedButton() is not run:
                return
            try:
                self._store.trusted.remember(question.digest)
            except OSError as error:
                self._host.tell(f"The answer cannot be kept: {error.strerror}.", "warning")
                return
            then()

        box.finished.connect(answered)
        box.open()

    # what the weights do not say

    def ask_if_uncertain(self, loaded: Loaded, then: Callable[[Loaded], None]) -> None:
        """Ask about a model that was just opened by its best guess, where that is not certain."""
        questions = asked(loaded.bundle)
        if questions and not loaded.bundle.settings:
            self._ask(loaded, questions, then)

    def ask_again(self, loaded: Loaded, then: Callable[[Loaded], None]) -> None:
        """Ask about everything that was assumed of a model."""
        questions = asked(loaded.bundle, EVERYTHING)
        if questions:
            self._ask(loaded, questions, then)
        else:
            self._host.tell(f"Nothing had to be assumed about {loaded.bundle.spec.name}.")

    def _ask(
        self,
        loaded: Loaded,
        questions: tuple[Assumption, ...],
        then: Callable[[Loaded], None],
    ) -> None:
        if self._dialog is not None:
            self._dialog.reject()
        bundle = loaded.bundle
        dialog = AssumptionsDialog(bundle.spec.name, questions, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._dialog = dialog

        def ended() -> None:
            if self._dialog is dialog:
                self._dialog = None

        dialog.finished.connect(ended)
        dialog.chosen.connect(lambda settings: self._agreed(bundle, settings, then))
        dialog.open()
        for question in questions:
            for value in dialog.values(question.field):
                self._draw(dialog, bundle, question, value)

    def _draw(
        self,
        dialog: AssumptionsDialog,
        bundle: Bundle,
        question: Assumption,
        value: object,
    ) -> None:
        field, guessed = question.field, value == question.value

        def work(progress: Progress) -> NDArray[np.uint8] | None:
            if self._dialog is not dialog:
                return None  # nobody waits for it any more
            return thumbnail(bundle if guessed else variant(bundle, field, value), progress)

        def show(pixels: NDArray[np.uint8] | None) -> None:
            if self._dialog is dialog and pixels is not None:
                dialog.show_picture(field, value, pixels)

        def failed(_: Exception) -> None:
            if self._dialog is dialog:
                dialog.show_failure(field, value)

        self._background.submit(
            work,
            f"Drawing {bundle.spec.name} in another way",
            key=f"alternative:{bundle.model_id}:{field}:{value}",
            done=show,
            failed=failed,
            quiet=True,
        )

    def _agreed(
        self, bundle: Bundle, settings: dict[str, str], then: Callable[[Loaded], None]
    ) -> None:
        settings = {**dict(bundle.settings), **settings}
        try:
            self._store.answers.remember(bundle.weights_sha256, settings)
        except OSError as error:
            self._host.tell(f"The answer cannot be kept: {error.strerror}.", "warning")
        self._store.open(
            Path(bundle.path),
            then,
            lambda text: self._host.tell(text, "error"),
            settings=settings,
        )
