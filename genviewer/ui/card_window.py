"""A model's card: what it is, how it was trained, how good it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl
from PySide6.QtWidgets import QFrame, QLabel, QTextBrowser, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent

    from genviewer.io.bundle import Bundle


class CardWindow(QWidget):
    """A card in its own window. Cards come from outside: nothing that they refer to is loaded
    and links are shown, not followed.
    """

    def __init__(self, bundle: Bundle, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        spec = bundle.spec
        self.setWindowTitle(f"{spec.name} – model card")
        self.resize(640, 640)
        facts = QLabel(describe_long(bundle), self)
        facts.setTextFormat(Qt.TextFormat.PlainText)
        facts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        facts.setWordWrap(True)
        line = QFrame(self)
        line.setFrameShape(QFrame.Shape.HLine)
        text = _Inert(self)
        text.setFrameShape(QFrame.Shape.NoFrame)
        text.setMarkdown(without_front_matter(bundle.card()) or "This model has no card.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 16)
        layout.setSpacing(12)
        layout.addWidget(facts)
        layout.addWidget(line)
        layout.addWidget(text, 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)


class _Inert(QTextBrowser):
    """A text that loads and follows nothing."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setOpenLinks(False)
        self.setStyleSheet("QTextBrowser { border: 0; background: transparent; }")

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        return None


def describe(bundle: Bundle) -> str:
    """What a model is, in one short line."""
    spec = bundle.spec
    kind = "Conditional " if spec.conditions else ""
    family = spec.family.upper() if spec.family in ("vae", "gan") else spec.family
    size = f"{spec.image.width}×{spec.image.height}"
    return f"{kind}{family} · {size} · {spec.latent.dim}-D"


def describe_long(bundle: Bundle) -> str:
    """What a model is, in a few lines of plain text."""
    spec = bundle.spec
    lines = [describe(bundle)]
    for condition in spec.conditions:
        names = ", ".join(condition.names or ())
        shown = f" ({names[:120]}{'…' if len(names) > 120 else ''})" if names else ""
        kind = {"class": "classes", "continuous": "values", "text": "text"}.get(
            condition.kind, condition.kind
        )
        lines.append(f"Condition {condition.name}: {condition.size} {kind}{shown}")
    can = [
        name
        for name, has in {
            "encoder": spec.encoder,
            "density": spec.density,
            "discriminator": spec.discriminator,
        }.items()
        if has
    ]
    lines.append(f"{bundle.parameters:,} parameters" + (f" · {', '.join(can)}" if can else ""))
    lines.append(f"Model id {bundle.model_id}")
    return "\n".join(lines)


def without_front_matter(card: str) -> str:
    """A card without the YAML block between ``---`` lines at its top."""
    if card.startswith("---\n"):
        _, _, rest = card[4:].partition("\n---\n")
        return rest.lstrip() or card
    return card
