"""The Scene to the widgets: the picture comes first, the panels around it follow."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from PySide6.QtCore import QObject, QTimer

from genviewer.core.views import plane_axes
from genviewer.session import edits

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtWidgets import QWidget

    from genviewer.core.scene import Scene
    from genviewer.core.spec import Spec
    from genviewer.ui.analysis import Facts
    from genviewer.ui.main_window import MainWindow
    from genviewer.ui.models import Loaded

FOLLOW_MS = 40
"""The panels wait at most this long for the picture that they belong to."""


class SceneView(QObject):  # so that Qt's signals end with the window
    """Tells every widget of a window what is new to it. Belongs to the GUI thread.

    Attributes:
        plane: two unit vectors float32 (D,) that a drag on the picture moves along; None before
            there is a model, or where its latent has one dimension.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._session = window, window.session
        self.plane: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
        self._shown: tuple[Spec | None, Scene] | None = None
        self._drawn_by: tuple[str, str] | None = None
        self._late = QTimer(window)
        self._late.setSingleShot(True)
        self._late.timeout.connect(lambda: self.show(self._session.scene))

    def painted(self) -> None:
        """The picture is on the screen: what waited for it may follow."""
        if self._late.isActive():
            self._late.start(0)  # after this paint has been flushed

    def follow(self, scene: Scene) -> None:
        """The Session has another Scene: its picture first, the other widgets after it."""
        self._window.explorer.draw(scene, time.perf_counter())
        if scene.recipe.latent.space == "z":
            self._window.explorer.walker.follow(scene.recipe.latent.array)
        else:
            self._window.explorer.walker.stop()
        shown = self._shown[1] if self._shown is not None else None
        same_view = shown is not None and (
            (shown.view, shown.options, shown.model, shown.focus, len(shown.panes))
            == (scene.view, scene.options, scene.model, scene.focus, len(scene.panes))
        )
        if same_view and self._window.stage.isVisible():
            # The picture comes first; the other widgets follow when it is on the screen.
            self._late.start(FOLLOW_MS)
        else:
            self.show(scene)
        self._window.explorer.keep_soon()

    def show(self, scene: Scene) -> None:
        """Tell every widget what is new to it; in a drag that is next to nothing."""
        self._late.stop()
        self._window.commands.history_changed()
        spec = self._session.spec
        before, self._shown = self._shown, (spec, scene)
        if spec is None:
            return
        recipe, old = scene.recipe, before[1] if before and before[0] is spec else None
        if old is None or old.recipe.latent is not recipe.latent:
            self._window.latent_panel.set_latent(recipe.latent.array, spec.latent)
        if old is None:
            # Another latent space opens the panel's locks, so the session's are said again.
            self._window.latent_panel.set_locks(edits.lock_mask(self._session, spec.latent.dim))
        if old is None or old.recipe.condition != recipe.condition:
            self._window.condition_panel.set_condition(recipe.condition)
            self._window.want_strip(self._window.latent_panel.sliders.shown_dim)
        if old is None or old.recipe.truncation != recipe.truncation:
            self._window.seed_panel.set_truncation(recipe.truncation, spec.truncation)
        if old is None or old.recipe != recipe:
            self._window.synthesis.show(spec, recipe)
        if before is not None and old is None and before[1].model == scene.model:
            self.show_order(self._window.explorer.analysis.facts)  # of the space that it is in now
            self.show_plane()
        links = tuple(pane.linked for pane in scene.panes)
        if old is None or (old.view, old.options, tuple(p.linked for p in old.panes)) != (
            scene.view,
            scene.options,
            links,
        ):
            self._window.commands.scene_changed(scene)
            self._window.view_bar.set_scene(scene, spec)
            self._window.canvas.set_view(scene.view)
        self._show_panes(scene)

    def _show_panes(self, scene: Scene) -> None:
        wanted: QWidget = self._window.compare if scene.comparing else self._window.canvas
        if scene.comparing:
            self._window.compare.set_scene(scene)
            frame, pictures = self._window.frames.newest, self._window.compare.pictures
            if frame is not None and pictures.pixels(scene.focus) is None:
                self._window.frames.show_in_pane(
                    scene.focus, frame
                )  # it was drawn before there were panes
        if self._window.stage.currentWidget() is not wanted:
            self._window.stage.setCurrentWidget(wanted)
            self._window.notices.raise_()

    def show_controls(self) -> None:
        """Tell the widgets what the controls are that no Scene holds."""
        controls = self._session.controls
        if self._session.spec is not None:  # before, the panel has no dimensions to lock
            size = self._session.scene.recipe.latent.array.size
            self._window.latent_panel.set_locks(edits.lock_mask(self._session, size))
        self._window.latent_panel.set_step(controls.step)
        self._window.seed_panel.set_seed(controls.seed)
        self._window.seed_panel.set_locked(len(controls.locks))
        self._window.seed_panel.set_vary_strength(controls.vary_strength)
        self._window.seed_panel.set_walk_options(
            controls.walk_mode, controls.walk_speed, controls.walk_seconds
        )
        self._window.explorer.keep_soon()

    def show_engine(self, loaded: Loaded) -> None:
        """Say what draws the model that is explored; while it learns, that changes."""
        generator = loaded.generator
        now = (generator.device, generator.engine)
        if now != self._drawn_by:
            self._drawn_by = now
            self._window.status.set_model(loaded.bundle.spec.name, *now)
            self._window.commands.show_device()

    def show_model(self, loaded: Loaded) -> None:
        """Turn the widgets to a model that is explored now."""
        self._window.canvas.set_hint(None)
        self._window.condition_panel.set_spec(loaded.bundle.spec)
        self.show(self._session.scene)
        self._window.browser.set_current(str(loaded.bundle.path))
        self._drawn_by = None
        self.show_engine(loaded)
        self._window.filmstrip.clear()
        self._window.show_title()
        self._window.status.touch()

    def show_facts(self, facts: Facts) -> None:
        """More is known about the current model."""
        self.show_order(facts)
        self.show_plane()
        self._window.explorer.draw(self._session.scene)

    def show_order(self, facts: Facts) -> None:
        """Put the dimensions into the order that was chosen."""
        if self._late.isActive():
            self.show(self._session.scene)  # the panel may still be in another space
        spec, order = self._session.spec, self._session.controls.order
        if spec is None:
            return
        effect, kl = facts.effect, facts.kl
        if self._session.scene.recipe.latent.space != "z":
            effect = kl = None  # measured in the space of the prior
        # Another model's may still be there, as what a training began with is.
        if effect is not None and len(effect.effect) != spec.latent.dim:
            effect = None
        if kl is not None and len(kl) != spec.latent.dim:
            kl = None
        dead = effect.dead if effect is not None else None
        dims, scores = np.arange(spec.latent.dim), effect.effect if effect is not None else None
        if order == "effect" and effect is not None:
            dims = effect.order
        elif order == "kl" and kl is not None:
            dims, scores = np.argsort(-kl, kind="stable"), kl
        self._window.latent_panel.set_order(order, dims, scores, dead)
        self._window.latent_panel.set_order_available(
            "kl", spec.encoder or kl is not None, "KL needs an encoder, which this model lacks."
        )

    def show_plane(self) -> None:
        """The two axes of the pad, which a drag on the picture moves along too."""
        spec = self._session.spec
        if spec is None or spec.latent.dim < 2:
            self.plane = None
            return
        axes = self._session.controls.pad
        if axes is not None and max(axes) >= spec.latent.dim:
            axes = None
        options = msgspec.structs.replace(self._session.scene.options.map, axes=axes)
        scene = self._session.scene.with_options(options)
        u, v, x_label, y_label = plane_axes(scene, spec, self._window.view_inputs())
        self.plane = (u, v)
        self._window.latent_panel.set_axes(u, v, x_label, y_label)
