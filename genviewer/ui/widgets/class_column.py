"""p(y | x) with its verdict, and the ways to look further."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from genviewer.ui import theme
from genviewer.ui.widgets.elided_label import ElidedLabel
from genviewer.ui.widgets.posterior_bars import PosteriorBars

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 212


class ClassColumn(QWidget):
    """The bars, a sentence below them, and two buttons.

    Signals:
        prior_edited(object): weights float64 (K,) of the classes.
        class_chosen(int): a class was clicked.
        explain_wanted: how it all hangs together is to be shown.
        data_view_wanted: a whole data set is to be asked about.
    """

    prior_edited = Signal(object)
    class_chosen = Signal(int)
    explain_wanted = Signal()
    data_view_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedWidth(WIDTH)
        head = QHBoxLayout()
        title = QLabel("p(y | x)", self)
        title.setFont(theme.strong(self.font()))
        self.even = QToolButton(self)
        self.even.setText("prior")
        self.even.setObjectName("tight")
        self.even.setToolTip("Make all classes equally probable again")
        self.even.setAccessibleName("Equal prior")
        self.even.clicked.connect(self._even_prior)
        head.addWidget(title)
        head.addStretch(1)
        head.addWidget(self.even)
        self.bars = PosteriorBars(self)
        self.bars.prior_edited.connect(self.prior_edited)
        self.bars.class_chosen.connect(self.class_chosen)
        self.no_classes = QLabel("", self)
        self.no_classes.setWordWrap(True)
        self.no_classes.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.no_classes.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.verdict = ElidedLabel("", self)
        self.explain = self._push("Explain…", "How p(x), p(y | x) and p(x | y) hang together")
        self.explain.clicked.connect(lambda: self.explain_wanted.emit())
        self.data_view = self._push(
            "Data set…", "The same over a whole data set: outliers, mistakes, latents"
        )
        self.data_view.clicked.connect(lambda: self.data_view_wanted.emit())
        further = QHBoxLayout()
        further.setSpacing(6)
        further.addWidget(self.explain)
        further.addWidget(self.data_view)
        further.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self.bars, 1)
        column.addWidget(self.no_classes, 1)
        column.addWidget(self.verdict)
        column.addLayout(further)

    def set_classes(self, names: Sequence[str], why_not: str = "") -> None:
        """The model's classes; where there are none, why p(y | x) cannot be asked."""
        self.bars.set_classes(names)
        self.bars.setVisible(bool(names))
        self.even.setVisible(bool(names))
        self.no_classes.setText(why_not)
        self.no_classes.setVisible(not names)

    def set_verdict(self, text: str, alarming: bool = False) -> None:
        """Say in a sentence what the bars come to."""
        self.verdict.setText(text)
        self.verdict.setFont(theme.strong(self.font()) if alarming else self.font())
        role = QPalette.ColorRole.BrightText if alarming else QPalette.ColorRole.WindowText
        self.verdict.setForegroundRole(role)

    def _even_prior(self) -> None:
        weights = np.ones(len(self.bars.prior))
        self.bars.set_prior(weights)
        self.prior_edited.emit(weights)

    def _push(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setToolTip(tip)
        button.setAccessibleName(text.rstrip("…"))
        return button
