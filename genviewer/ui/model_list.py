"""Fills the model browser: bundled and recent models, their pictures and cards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from genviewer.engine.library import bundled_models
from genviewer.engine.thumbnails import thumbnail
from genviewer.io.bundle import Bundle, BundleError
from genviewer.session.recent import Recent
from genviewer.ui.card_window import CardWindow, describe
from genviewer.ui.widgets.model_browser import ModelBrowser, ModelEntry

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from PySide6.QtWidgets import QWidget

    from genviewer.engine.jobs import Progress
    from genviewer.ui.background import Background
    from genviewer.ui.models import ModelStore

BUNDLED, RECENT = "Bundled", "Recent"


class ModelList:
    """Reads what models there are in the background, and shows them (GUI thread)."""

    def __init__(
        self,
        browser: ModelBrowser,
        background: Background,
        store: ModelStore,
        tell: Callable[[str, str], None],
    ) -> None:
        self._browser = browser
        self._background = background
        self._store = store
        self._tell = tell
        self._recent = Recent()
        self._bundles: dict[str, Bundle] = {}

    def refresh(self, recent: Recent) -> None:
        """Look again at what there is; the list comes when it is read."""
        self._recent = recent
        paths, store = [Path(model.path) for model in recent.models], self._store

        def work(progress: Progress) -> tuple[list[Bundle], list[Bundle]]:
            bundled = list(bundled_models())
            known = {bundle.path for bundle in bundled}
            others = []
            for path in paths:
                progress.check()
                if path not in known and path.exists():
                    try:
                        others.append(store.find(path))
                    except BundleError:
                        continue
            return bundled, others

        self._background.submit(
            work, "Looking for models", key="models", done=self._show, quiet=True
        )

    def show_card(self, path: str, parent: QWidget) -> None:
        """Show a model's card in a window of its own."""
        bundle = self._bundles.get(path)
        if bundle is None:
            self._tell(f"{Path(path).name} has no card to show.", "warning")
        else:
            CardWindow(bundle, parent).show()

    def _show(self, found: tuple[list[Bundle], list[Bundle]]) -> None:
        entries = []
        for group, bundles in zip((BUNDLED, RECENT), found, strict=True):
            for bundle in bundles:
                self._bundles[str(bundle.path)] = bundle
                self._store.paths.setdefault(bundle.model_id, str(bundle.path))
                entries.append(
                    ModelEntry(
                        str(bundle.path),
                        bundle.spec.name,
                        describe(bundle),
                        group,
                        removable=group == RECENT,
                    )
                )
        self._browser.set_entries(entries)
        for bundle in (*found[0], *found[1]):
            self._picture(bundle)

    def _picture(self, bundle: Bundle) -> None:
        path = str(bundle.path)

        def show(pixels: NDArray[np.uint8]) -> None:
            self._browser.set_thumbnail(path, pixels)

        self._background.submit(
            lambda progress: thumbnail(bundle, progress),
            f"Drawing a picture of {bundle.spec.name}",
            key=f"thumbnail:{path}",
            done=show,
            quiet=True,
        )
