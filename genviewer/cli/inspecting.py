"""What the inspecting commands share: opening a density, threads, and how far they are."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from genviewer.cli.progress import stages
from genviewer.engine.jobs import Job, Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genviewer.engine.density import NetworkDensity
    from genviewer.io.bundle import Bundle

_STEPS = 1000


def open_for_density(bundle: Bundle, device: str) -> NetworkDensity:
    """The model's density; LoadError says why it has none."""
    from genviewer.engine.density import open_density

    return open_density(bundle, device)


def use_cores(threads: int | None) -> None:
    """Let torch use so many threads; None leaves it to torch."""
    if threads is not None:
        from genviewer.engine.torch_decoder import use_threads

        use_threads(threads)


@contextlib.contextmanager
def told_progress(what: str) -> Iterator[Progress]:
    """A Progress that is told on stderr: as a bar, or in a few lines where that is no terminal."""
    with stages() as report:

        def tell(fraction: float, _text: str) -> None:
            report(what, round(fraction * _STEPS), _STEPS)

        yield Progress(Job(what, None), tell)
