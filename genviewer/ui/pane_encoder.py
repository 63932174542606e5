"""Linked panes whose models have other latents follow by their encoders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from genviewer.core.linking import latents_agree
from genviewer.core.scene import MAX_PANES

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.core.frame import Frame
    from genviewer.core.latent import Latent
    from genviewer.core.scene import Pane
    from genviewer.engine.encoding import ImageEncoder
    from genviewer.engine.jobs import Progress
    from genviewer.session.session import Session
    from genviewer.ui.background import Background
    from genviewer.ui.models import Loaded, ModelStore


class PaneEncoder:
    """Encodes the focused pane's sample into the linked panes that cannot take its latent (GUI
    thread); the encoding itself is done in a job lane, the newest sample first.
    """

    def __init__(
        self,
        session: Session,
        store: ModelStore,
        background: Background,
        tell: Callable[[str, str], None],
    ) -> None:
        self._session, self._store = session, store
        self._background, self._tell = background, tell
        self._done: dict[int, tuple[str, str, Latent]] = {}
        self._encoders: dict[str, ImageEncoder] = {}  # of the lane alone

    def follow(self, frame: Frame) -> None:
        """A new sample of the focused pane is there."""
        scene = self._session.scene
        source = self._session.specs.get(frame.model.id)
        if len(scene.panes) < 2 or not scene.pane.linked or source is None:
            self._done.clear()
            return
        for index, pane in enumerate(scene.panes):
            target = self._session.specs.get(pane.model.id)
            if pane is scene.pane or not pane.linked or target is None or not target.encoder:
                continue
            if latents_agree(frame.recipe, source, target):
                continue
            mark = (pane.model.id, frame.model.id, frame.recipe.latent)
            loaded = self._store.loaded(pane.model.id)
            if loaded is not None and self._done.get(index) != mark:
                self._done[index] = mark
                self._encode(index, pane, frame, loaded)

    def _encode(self, index: int, pane: Pane, frame: Frame, loaded: Loaded) -> None:
        bundle, pixels, condition = loaded.bundle, frame.pixels, pane.recipe.condition

        def work(progress: Progress) -> Latent:
            from genviewer.engine.encoding import ImageEncoder
            from genviewer.engine.reencode import reencode

            # In the lane, one job at a time: building the network costs more than using it.
            encoder = self._encoders.get(bundle.model_id)
            if encoder is None:
                if len(self._encoders) >= MAX_PANES:
                    self._encoders.clear()
                encoder = self._encoders[bundle.model_id] = ImageEncoder(bundle, "cpu")
            return reencode(bundle, encoder, pixels, condition)

        def show(latent: Latent) -> None:
            scene = self._session.scene
            if index >= len(scene.panes) or scene.panes[index].model.id != pane.model.id:
                return
            now = scene.panes[index]
            if not now.linked:
                return
            recipe = msgspec.structs.replace(now.recipe, latent=latent)
            self._session.amend(
                scene.with_pane_at(index, msgspec.structs.replace(now, recipe=recipe))
            )

        self._background.submit(
            work,
            f"Encoding into {pane.model.name}",
            key=f"encode:{index}",
            done=show,
            failed=lambda error: self._tell(str(error), "warning"),
            quiet=True,
        )
