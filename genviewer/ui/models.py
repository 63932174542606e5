"""The models at hand: opening them off the GUI thread, keeping a few loaded."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from genviewer.core.recipe import ModelRef, seeded_recipe
from genviewer.engine.cells import decode_recipe
from genviewer.engine.generator import Engine, Generator, load_generator
from genviewer.engine.library import bundled_models, find_model
from genviewer.io.bundle import Bundle, BundleError, open_bundle
from genviewer.io.downloading import Downloads, downloading
from genviewer.io.hub import LargeDownloadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from genviewer.engine.jobs import Progress
    from genviewer.io.programs.trust import TrustQuestion, TrustStore
    from genviewer.io.readers.answers import Answers
    from genviewer.ui.background import Background

MAX_LOADED = 6
MAX_KEPT = 500  # so many are looked at for one that is cited


@dataclass(frozen=True)
class Loaded:
    """A model that has drawn a test frame."""

    bundle: Bundle
    generator: Generator

    @property
    def ref(self) -> ModelRef:
        return self.bundle.ref


@dataclass(frozen=True)
class Live(Loaded):
    """A model whose weights change while it is shown.

    Attributes:
        bundle, generator: with the weights of this moment, and their model id.
        shown_as: how Scenes name it, whatever its weights are.
        base: the model that it began as.
    """

    shown_as: ModelRef
    base: Loaded

    @property
    def ref(self) -> ModelRef:
        return self.shown_as


class ModelStore:
    """Opens models in the background; the newest wish wins and what is loaded stays until then.

    All methods belong to the GUI thread; so do the callbacks.
    """

    def __init__(
        self,
        background: Background,
        let_go: Callable[[ModelRef], None],
        answers: Answers,
        trusted: Path,
    ) -> None:
        self._background = background
        self.answers = answers
        self._trusted = trusted
        self._let_go = let_go
        self._loaded: OrderedDict[str, Loaded] = OrderedDict()
        self.paths: dict[str, str] = {}
        self.device = "auto"
        self.engine: Engine = "auto"
        self.threads: int | None = None
        """Threads of one decode on the CPU for what is opened from now on; None as is best."""
        self.limited: set[str] = set()
        """Those in memory that were opened, or are about to be, with a number of threads."""
        self._held: set[str] = set()
        self.kept_models: Callable[[], Iterable[Path]] = tuple
        """Where models may be that were kept of trainings; asked in the opening lane."""

    @cached_property
    def trusted(self) -> TrustStore:
        """The files whose programs may run; made when first asked for."""
        from genviewer.io.programs.trust import TrustStore

        return TrustStore(self._trusted)

    def loaded(self, model_id: str) -> Loaded | None:
        """A model that is in memory, without opening anything."""
        found = self._loaded.get(model_id)
        if found is not None:
            self._loaded.move_to_end(model_id)
        return found

    @property
    def at_hand(self) -> tuple[Loaded, ...]:
        """The models in memory."""
        return tuple(self._loaded.values())

    def hold(self, loaded: Loaded) -> None:
        """Keep a model that was made here in memory until it is let go."""
        self._loaded[loaded.ref.id] = loaded
        self._held.add(loaded.ref.id)

    def adopt(self, loaded: Loaded) -> None:
        """Take over a model that was made here, or was in memory before, as if it were opened."""
        self._keep(loaded)

    def release(self, ref: ModelRef) -> None:
        """Let go of a model that was held."""
        self._held.discard(ref.id)
        if ref.id in self._loaded:
            self._drop(ref.id)

    def open(
        self,
        target: str | Path | ModelRef,
        done: Callable[[Loaded], None],
        failed: Callable[[str], None],
        cancelled: Callable[[], None] | None = None,
        *,
        again: bool = False,
        key: str = "open",
        settings: dict[str, str] | None = None,
        untrusted: Callable[[TrustQuestion], None] | None = None,
        agreed: bool = False,
        large: Callable[[LargeDownloadError], None] | None = None,
    ) -> None:
        """Open a bundled name, a file or folder, or the model that a Recipe cites.

        A model that is in memory is not read ``again`` unless told to. Of those with the same
        ``key`` the newest wish wins.

        ``failed`` gets one sentence; the models in memory are as before then. ``settings`` are
        what the weights do not say, by default what was answered about them before. A file with
        a program that was not trusted before is asked about by ``untrusted``, or fails; so is a
        large download by ``large``, unless it was ``agreed`` to.
        """
        if isinstance(target, ModelRef) and not again:
            found = self.loaded(target.id)
            if found is not None:
                done(found)
                return
        name = target.name if isinstance(target, ModelRef | Path) else target
        paths, device, engine = dict(self.paths), self.device, self.engine
        threads = self.threads

        def work(progress: Progress) -> Loaded:
            if isinstance(target, ModelRef):
                bundle = self._resolve(target, paths, progress)
            else:
                with downloading(Downloads(agreed, report=progress.report)):
                    bundle = self.find(target, settings, progress)
            progress.check()
            generator = load_generator(bundle, device, engine, threads)
            progress.check()
            decode_recipe(generator, seeded_recipe(bundle.spec, 0))
            return Loaded(bundle, generator)

        def finish(result: Loaded) -> None:
            if threads is None:
                self.limited.discard(result.ref.id)
            else:
                self.limited.add(result.ref.id)
            self._keep(result)
            done(result)

        def fail(error: Exception) -> None:
            if isinstance(error, NeedsTrustError) and untrusted is not None:
                untrusted(error.question)
            elif isinstance(error, LargeDownloadError) and large is not None:
                large(error)
            else:
                failed(str(error) or f"{name} cannot be opened.")

        self._background.submit(
            work, f"Opening {name}", key=key, done=finish, failed=fail, cancelled=cancelled
        )

    def reload(
        self, ref: ModelRef, done: Callable[[Loaded], None], failed: Callable[[str], None]
    ) -> None:
        """Open a model again, for another device or engine; the others are forgotten."""

        def replace(result: Loaded) -> None:
            for key in [k for k in self._loaded if k != result.ref.id and k not in self._held]:
                self._drop(key)
            done(result)

        found = self._loaded.get(ref.id)
        self.open(found.bundle.path if found else ref, replace, failed, again=True)

    def _keep(self, loaded: Loaded) -> None:
        self._loaded[loaded.ref.id] = loaded
        self._loaded.move_to_end(loaded.ref.id)
        self.paths[loaded.ref.id] = str(loaded.bundle.path)
        others = [key for key in self._loaded if key not in self._held]
        for key in others[: max(len(others) - MAX_LOADED, 0)]:
            self._drop(key)

    def _drop(self, model_id: str) -> None:
        self.limited.discard(model_id)
        self._let_go(self._loaded.pop(model_id).ref)

    # in the opening lane

    def find(
        self,
        target: str | Path,
        settings: dict[str, str] | None = None,
        progress: Progress | None = None,
    ) -> Bundle:
        """The model in a place, with what was answered about it and whether it may run.

        ``progress`` can cancel it.

        Raises:
            BundleError: it cannot be opened.
            NeedsTrustError: it carries a program that was not trusted.
        """
        trust = self._trust(Path(target)) if isinstance(target, Path) else False
        bundle = find_model(target, settings, trust, progress)
        if settings is None and bundle.reader != "bundle":
            remembered = self.answers.of(bundle.weights_sha256)
            if remembered:
                return find_model(target, remembered, trust, progress)
        return bundle

    def _trust(self, path: Path) -> bool:
        from genviewer.io.programs.trust import needs_trust

        try:
            question = needs_trust(path) if path.is_file() else None
        except ValueError:
            return False  # the reader says what is wrong with it
        if question is None:
            return False
        if not self.trusted.remembered(question.digest):
            raise NeedsTrustError(question)
        return True

    def _resolve(
        self, ref: ModelRef, paths: dict[str, str], progress: Progress | None = None
    ) -> Bundle:
        """The model that a reference cites: where it was opened from before, a bundled one, or one
        that was kept of a training.

        Raises:
            BundleError: no model at hand has that id.
            NeedsTrustError: it carries a program that was not trusted.
        """
        error = BundleError(f"The model {ref.name} is not at hand; open it first.")
        if ref.id in paths:
            try:
                bundle = self.find(Path(paths[ref.id]), progress=progress)
            except NeedsTrustError:
                raise
            except BundleError as gone:  # what was kept of a training may have been moved
                error = gone
            else:
                if bundle.model_id == ref.id:
                    return bundle
                error = BundleError(
                    f"{ref.name} has changed since: its weights, or how they are used, are "
                    "others now."
                )
        for bundle in bundled_models():
            if bundle.model_id == ref.id:
                return bundle
        for folder in islice(self.kept_models(), MAX_KEPT):
            if progress is not None:
                progress.check()
            try:
                bundle = open_bundle(folder)
            except BundleError:
                continue
            if bundle.model_id == ref.id:
                return bundle
        raise error


class NeedsTrustError(BundleError):
    """A file carries a program that a person has to trust first."""

    def __init__(self, question: TrustQuestion) -> None:
        super().__init__(f"{question.path.name} is {question.kind} and was not trusted so far.")
        self.question = question
