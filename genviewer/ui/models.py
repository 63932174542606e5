"""The models at hand: opening them off the GUI thread, keeping a few loaded."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genviewer.core.recipe import ModelRef, seeded_recipe
from genviewer.engine.cells import decode_recipe
from genviewer.engine.generator import Engine, Generator, load_generator
from genviewer.engine.library import bundled_models, find_model
from genviewer.io.bundle import Bundle, BundleError

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.engine.jobs import Progress
    from genviewer.ui.background import Background

MAX_LOADED = 6


@dataclass(frozen=True)
class Loaded:
    """A model that has drawn a test frame."""

    bundle: Bundle
    generator: Generator

    @property
    def ref(self) -> ModelRef:
        return self.bundle.ref


class ModelStore:
    """Opens models in the background; the newest wish wins and what is loaded stays until then.

    All methods belong to the GUI thread; so do the callbacks.
    """

    def __init__(self, background: Background, let_go: Callable[[ModelRef], None]) -> None:
        self._background = background
        self._let_go = let_go
        self._loaded: OrderedDict[str, Loaded] = OrderedDict()
        self.paths: dict[str, str] = {}
        self.device = "auto"
        self.engine: Engine = "auto"

    def loaded(self, model_id: str) -> Loaded | None:
        """A model that is in memory, without opening anything."""
        found = self._loaded.get(model_id)
        if found is not None:
            self._loaded.move_to_end(model_id)
        return found

    def open(
        self,
        target: str | Path | ModelRef,
        done: Callable[[Loaded], None],
        failed: Callable[[str], None],
        cancelled: Callable[[], None] | None = None,
        *,
        again: bool = False,
        key: str = "open",
    ) -> None:
        """Open a bundled name, a folder, or the model that a Recipe cites.

        A model that is in memory is not read ``again`` unless told to. Of those with the same
        ``key`` the newest wish wins.

        ``failed`` gets one sentence; the models in memory are as before then.
        """
        if isinstance(target, ModelRef) and not again:
            found = self.loaded(target.id)
            if found is not None:
                done(found)
                return
        name = target.name if isinstance(target, ModelRef | Path) else target
        paths, device, engine = dict(self.paths), self.device, self.engine

        def work(progress: Progress) -> Loaded:
            bundle = _resolve(target, paths) if isinstance(target, ModelRef) else find_model(target)
            progress.check()
            generator = load_generator(bundle, device, engine)
            progress.check()
            decode_recipe(generator, seeded_recipe(bundle.spec, 0))
            return Loaded(bundle, generator)

        def finish(result: Loaded) -> None:
            self._keep(result)
            done(result)

        self._background.submit(
            work,
            f"Opening {name}",
            key=key,
            done=finish,
            failed=lambda error: failed(str(error) or f"{name} cannot be opened."),
            cancelled=cancelled,
        )

    def reload(
        self, ref: ModelRef, done: Callable[[Loaded], None], failed: Callable[[str], None]
    ) -> None:
        """Open a model again, for another device or engine; the others are forgotten."""

        def replace(result: Loaded) -> None:
            for key in [key for key in self._loaded if key != result.ref.id]:
                self._let_go(self._loaded.pop(key).ref)
            done(result)

        found = self._loaded.get(ref.id)
        self.open(found.bundle.path if found else ref, replace, failed, again=True)

    def _keep(self, loaded: Loaded) -> None:
        self._loaded[loaded.ref.id] = loaded
        self._loaded.move_to_end(loaded.ref.id)
        self.paths[loaded.ref.id] = str(loaded.bundle.path)
        while len(self._loaded) > MAX_LOADED:
            _, oldest = self._loaded.popitem(last=False)
            self._let_go(oldest.ref)


def _resolve(ref: ModelRef, paths: dict[str, str]) -> Bundle:
    """The bundle that a reference cites: where it was opened from before, or a bundled one.

    Raises:
        BundleError: if no model at hand has that id.
    """
    if ref.id in paths:
        bundle = find_model(Path(paths[ref.id]))
        if bundle.model_id == ref.id:
            return bundle
        raise BundleError(
            f"{ref.name} has changed since: the weights in its folder are others now."
        )
    for bundle in bundled_models():
        if bundle.model_id == ref.id:
            return bundle
    raise BundleError(f"The model {ref.name} is not at hand; open it first.")
