"""What becomes of a run that stands still: a model of its own, nothing, or the run as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from genviewer.ui.training_record import delete_discarded, move_kept, put_aside, size_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from genviewer.engine.jobs import Progress
    from genviewer.engine.run_timeline import Snapshot
    from genviewer.engine.train_config import TrainConfig
    from genviewer.session.paths import UserFiles
    from genviewer.ui.explorer import Explorer
    from genviewer.ui.models import Loaded
    from genviewer.ui.training_live import LiveView

MEGABYTE = 1e6


class Host(Protocol):
    """What the window offers to the training."""

    def tell(self, text: str, severity: str = "info") -> None: ...
    def offer(self, text: str, label: str, do: Callable[[], object]) -> None: ...
    def model_kept(self, loaded: Loaded) -> None: ...


class Run(Protocol):
    """Who shows the run."""

    def no_run(self) -> None: ...
    def may_open(self) -> bool: ...
    def open_run(self, folder: Path, base: Loaded) -> None: ...
    def remove(self, folder: Path) -> None: ...


class Outcome:
    """Keeps or discards runs; their files are moved in the lane of the live model (GUI thread).

    Args:
        live: shows the run.
        run: is told that no run is shown any more, and shows one that is taken back.
    """

    def __init__(
        self, explorer: Explorer, live: LiveView, files: UserFiles, host: Host, run: Run
    ) -> None:
        self._explorer, self._live, self._files = explorer, live, files
        self._host, self._run = host, run
        self._aside: list[Path] = []

    def close(self) -> None:
        """Nothing can be taken back any more."""
        delete_discarded(self._files.runs, self._aside)

    def keep(
        self,
        folder: Path,
        config: TrainConfig | None,
        snapshot: Snapshot,
        place: Path,
        failed: Callable[[], object],
    ) -> None:
        """Write a snapshot of the run as a model, which then stands wherever that of the run did.
        The run is left, and may be deleted; if it is gone, ``config`` says what it was. ``failed``
        is called where it comes to neither; until then or that, nothing else is to be done with the
        run.
        """

        def not_kept(text: str) -> None:
            self._failed(text)
            failed()

        def not_opened() -> None:
            self._host.tell(f"{place.name} is kept, and was not opened.", "warning")
            failed()

        def work(_: Progress) -> int | None:
            from genviewer.engine.run_timeline import keep

            keep(folder, snapshot.named(place.name), place, config)
            return size_of(folder) if folder.exists() else None

        def written(size: int | None) -> None:
            def opened(loaded: Loaded) -> None:
                self._live.become(loaded)
                self._run.no_run()
                self._host.model_kept(loaded)
                text = _kept(snapshot.step, place.name, loaded)
                if size is None or not self._own(folder):
                    self._host.tell(text)
                    return
                room = f"{size / MEGABYTE:,.0f}\N{NO-BREAK SPACE}MB"
                left = f"{text} Its run stays, with {room} of checkpoints."
                self._host.offer(left, "Delete Run", lambda: self._run.remove(folder))

            # With a key of its own: another wish to open something takes nothing from this one.
            self._explorer.store.open(place, opened, not_kept, not_opened, key="open what is kept")

        self._live.in_order(
            work, f"Keeping {place.name}", written, lambda error: not_kept(str(error))
        )

    def discard(
        self, folder: Path, base: Loaded, name: str, then: Callable[[], object] | None = None
    ) -> None:
        """Go back to the model ``base`` that it was, and put the run aside; it can be taken back
        for a while. Where it cannot be put aside it is shown again. ``then`` is called afterwards,
        however that went; what could not be put aside is remembered as left then.
        """
        self._live.become(base)

        def failed() -> None:
            if then is not None:
                then()
            else:
                self._run.no_run()
                self._run.open_run(folder, base)

        def done() -> None:
            self._run.no_run()
            if then is not None:
                then()

        self._put_aside(folder, f"Discarded the training of {name}.", base, done, failed)

    def remove(self, folder: Path) -> None:
        """Put a run aside that is not shown; it can be taken back for a while."""
        self._put_aside(folder, f"Deleted the run {folder.name}.")

    def _own(self, folder: Path) -> bool:
        return folder.parent == self._files.runs

    def _put_aside(
        self,
        folder: Path,
        text: str,
        base: Loaded | None = None,
        then: Callable[[], object] = lambda: None,
        failed: Callable[[], object] = lambda: None,
    ) -> None:
        """Say ``text`` with a button that takes the run back, and shows it if there is a ``base``,
        the model that it began as. What was kept of it stays: projects, exports and sessions other
        than this one may cite it.
        """
        kept, safe = folder / "kept", self._files.models / "kept" / folder.name

        def work(_: Progress) -> tuple[Path, dict[Path, Path]] | None:
            from genviewer.engine.run_lock import check_free

            if not (folder / "train.toml").exists():
                return None  # it had not begun
            check_free(folder)
            self._live.write_cited(folder)
            moved = move_kept(kept, safe)
            return put_aside(folder), moved

        def done(result: tuple[Path, dict[Path, Path]] | None) -> None:
            if result is not None:
                aside, moved = result
                self._aside.append(aside)
                self._live.move_kept(moved)
                told = f"{text} What was kept of it is in {safe}." if moved else text
                self._host.offer(told, "Undo", lambda: self._take_back(aside, folder, base))
            then()

        def not_done(error: Exception) -> None:
            why = error.strerror or error if isinstance(error, OSError) else None
            self._failed(f"{folder.name} cannot be put aside: {why}." if why else str(error))
            failed()

        self._live.in_order(work, f"Discarding {folder.name}", done, not_done)

    def _take_back(self, aside: Path, folder: Path, base: Loaded | None) -> None:
        try:
            aside.rename(folder)
        except OSError as error:
            self._failed(f"The run cannot be taken back: {error.strerror}.")
            return
        self._aside.remove(aside)
        if base is not None and self._run.may_open():
            self._run.open_run(folder, base)
        else:
            self._host.tell(f"The run is back in {folder}.")

    def _failed(self, text: str) -> None:
        self._host.tell(text, "error")


def _kept(step: int, name: str, loaded: Loaded) -> str:
    """What was kept, and of which step its discriminator is, where that is another."""
    text = f"Kept step {step:,} as the model {name}."
    judge = loaded.bundle.config.provenance.get("discriminator_steps", step)
    if judge == step:
        return text
    return f"{text} Its discriminator is that of step {judge:,}, the nearest that was stored."
