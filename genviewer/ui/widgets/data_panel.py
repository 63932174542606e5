"""The data of a training: what was found, which classes it is for, and how the model sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from genviewer.io.dataset_lazy import split_counts
from genviewer.io.dataset_mapping import DataChoices, propose, with_class
from genviewer.ui.widgets.data_panel_classes import DataClasses
from genviewer.ui.widgets.data_panel_fit import DataFit
from genviewer.ui.widgets.data_panel_found import DataFound
from genviewer.ui.widgets.data_panel_pages import AskPage, DropFrame, WorkingPage
from genviewer.ui.widgets.passing_wheel import PassingWheel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import (
        QDragEnterEvent,
        QDragLeaveEvent,
        QDropEvent,
        QResizeEvent,
    )

    from genviewer.io.dataset_fit import Fit
    from genviewer.io.dataset_gallery import Gallery
    from genviewer.io.dataset_survey import Survey

BESIDE, IN_TWO = 960, 600  # px of width for three columns, and for two
MARGIN, GAP = 12, 24


class DataPanel(QWidget):
    """What a data set holds, and what of it a model is to learn.

    Signals:
        changed(DataChoices): a person chose something else.
        dropped(str): the path of a folder or file that was dropped here.
        folder_wanted(), file_wanted(), hub_wanted(): choose a data set.
        cancel_wanted(): of the survey that is going on.
    """

    changed = Signal(object)
    dropped = Signal(str)
    folder_wanted = Signal()
    file_wanted = Signal()
    hub_wanted = Signal()
    cancel_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Data")
        self.setAcceptDrops(True)
        self._survey: Survey | None = None
        self._choices = DataChoices()
        self._known: tuple[str, ...] = ()
        self._can_grow = False
        self._columns = 0
        self.found = DataFound(self)
        self.classes = DataClasses(self)
        self.fit = DataFit(self)
        self.found.validation_edited.connect(self._edit_validation)
        self.classes.chosen.connect(self._edit_class)
        self.classes.all_chosen.connect(self._edit_all)
        self.fit.edited.connect(self._edit_fit)
        self._ask = AskPage(self)
        self._working = WorkingPage(self)
        self._working.cancel_wanted.connect(self.cancel_wanted)
        for chooser in (self._ask, self.found):
            chooser.folder_wanted.connect(self.folder_wanted)
            chooser.file_wanted.connect(self.file_wanted)
            chooser.hub_wanted.connect(self.hub_wanted)
        self._stack = QStackedWidget(self)
        self._stack.addWidget(self._ask)
        self._stack.addWidget(self._working)
        self._stack.addWidget(self._survey_page())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._stack)
        self._over = DropFrame(self, lit=True)
        self._over.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._over.hide()

    # what is shown

    @property
    def survey(self) -> Survey | None:
        """The data set that is shown."""
        return self._survey

    @property
    def choices(self) -> DataChoices:
        """What is chosen now."""
        return self._choices

    @property
    def counts(self) -> tuple[int, int, bool]:
        """How many images are trained on and checked on, and whether that is exact."""
        if self._survey is None:
            return 0, 0, True
        choices = self._choices
        return split_counts(self._survey, choices.used, choices.validation)

    def set_model(
        self, known: Sequence[str], shape: tuple[int, int, int], *, can_grow: bool, note: str = ""
    ) -> None:
        """Show which classes there are to choose from; what was chosen of classes is proposed anew.

        Args:
            known: the model's classes; empty if it has none.
            shape: (height, width, channels) of its images.
            can_grow: whether it can be given another class.
            note: a sentence on why it cannot, or on what else to know of classes.
        """
        if (tuple(known), can_grow) != (self._known, self._can_grow):
            self._known, self._can_grow = tuple(known), can_grow
            self._propose()
        self.classes.set_model(known, can_grow=can_grow, note=note)
        self.fit.set_shape(shape)
        self._show_choices()

    def show_empty(self) -> None:
        """Ask for a data set."""
        self._survey = None
        self._ask.show_text()
        self._stack.setCurrentWidget(self._ask)

    def show_failure(self, sentence: str) -> None:
        """Tell why a data set cannot be used, and ask for another."""
        self.show_empty()
        self._ask.show_text("These data cannot be used", sentence)

    def show_working(self, done: float, text: str) -> None:
        """Show how far a survey is: 0..1, and what is going on."""
        self._working.show_progress(done, text)
        self._stack.setCurrentWidget(self._working)

    def show_survey(self, survey: Survey, gallery: Gallery) -> None:
        """Show a data set; what is chosen follows from the model, fit and share stay."""
        self._survey = survey
        self._propose()
        self.found.set_survey(survey)
        self.classes.set_classes(survey.class_counts, gallery.thumbnails)
        self.fit.set_samples(gallery.samples)
        self._show_choices()
        self._stack.setCurrentIndex(2)

    def set_choices(self, choices: DataChoices) -> None:
        """Show other choices; emits nothing."""
        self._choices = choices
        self._show_choices()

    def _propose(self) -> None:
        if self._survey is None:
            return
        names = [name for name, _ in self._survey.class_counts]
        proposed = propose(names, self._known, self._survey.source, can_grow=self._can_grow)
        kept = self._choices
        self._choices = replace(proposed, fit=kept.fit, validation=kept.validation)

    def _show_choices(self) -> None:
        self.classes.show_choices(self._choices)
        self.fit.show_fit(self._choices.fit)
        self.found.show_counts(*self.counts, self._choices.validation)

    # the hand

    def _edit(self, choices: DataChoices) -> None:
        if choices != self._choices:
            self._choices = choices
            self._show_choices()
            self.changed.emit(choices)

    def _edit_validation(self, share: float) -> None:
        self._edit(replace(self._choices, validation=share))

    def _edit_fit(self, fit: Fit) -> None:
        self._edit(replace(self._choices, fit=fit))

    def _edit_class(self, name: str, wanted: str | None) -> None:
        if self._survey is not None:
            source = self._survey.source
            self._edit(with_class(self._choices, name, wanted, self._known, source))

    def _edit_all(self, wanted: str) -> None:
        """Every class anew: by its name, or left out."""
        if self._survey is None:
            return
        if wanted == "names":
            before = self._choices
            self._propose()
            proposed, self._choices = self._choices, before
        else:
            proposed = replace(
                self._choices, mapping=dict.fromkeys(self._choices.mapping, ""), new_classes=()
            )
        self._edit(proposed)

    def minimumSizeHint(self) -> QSize:
        return QSize(320, 120)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        columns = 3 if self.width() >= BESIDE else 2 if self.width() >= IN_TWO else 1
        if columns != self._columns:
            self._arrange(columns)

    def _arrange(self, columns: int) -> None:
        """Put the three parts beside each other, as far as there is room."""
        self._columns = columns
        # (row, column, rows) of each; with two columns the classes have one for themselves.
        places = {
            3: ((0, 0, 1), (0, 1, 1), (0, 2, 1)),
            2: ((0, 0, 1), (0, 1, 2), (1, 0, 1)),
            1: ((0, 0, 1), (1, 0, 1), (2, 0, 1)),
        }[columns]
        parts = (self.found, self.classes, self.fit)
        for part, (row, column, rows) in zip(parts, places, strict=True):
            self._parts.addWidget(part, row, column, rows, 1)
        for column, share in enumerate({3: (3, 5, 3), 2: (3, 4, 0), 1: (1, 0, 0)}[columns]):
            self._parts.setColumnStretch(column, share)
        self.classes.set_bounded(columns == 3)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _path(event) is not None:
            event.acceptProposedAction()
            self._mark(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._mark(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self._mark(False)
        path = _path(event)
        if path is not None:
            event.acceptProposedAction()
            self.dropped.emit(path)

    def _mark(self, over: bool) -> None:
        """Let the panel say that it would take what is dragged over it."""
        self._over.setGeometry(self.rect())
        self._over.setVisible(over)
        self._over.raise_()

    # pages

    def _survey_page(self) -> QWidget:
        inside = QWidget(self)
        self._parts = QGridLayout(inside)
        self._parts.setContentsMargins(MARGIN, 6, MARGIN, 4)
        self._parts.setHorizontalSpacing(GAP)
        self._parts.setVerticalSpacing(GAP)
        self._arrange(3)
        area = QScrollArea(self)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setWidget(inside)
        PassingWheel(area)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        return area


def _path(event: QDropEvent) -> str | None:
    """The one folder or file that is dragged."""
    urls = event.mimeData().urls()
    local = urls[0].toLocalFile() if len(urls) == 1 else ""
    return local or None
