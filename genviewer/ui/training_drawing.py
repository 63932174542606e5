"""What draws a model that is being trained: made of the weights of one of its steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from genviewer.ui.models import Live

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from genviewer.core.recipe import ModelRef
    from genviewer.engine.live_generator import LiveGenerators
    from genviewer.engine.live_onnx import OnnxTemplate
    from genviewer.engine.run_timeline import Snapshot
    from genviewer.ui.models import Loaded


@dataclass(frozen=True, eq=False)
class LiveRun:
    """A run that is shown; every time that one is, it is another.

    Attributes:
        folder: where it is on the disk.
        base: the model that it began as.
        ref: how Scenes name the model.
    """

    folder: Path
    base: Loaded
    ref: ModelRef


@dataclass(frozen=True, eq=False)
class Drawn:
    """A snapshot of a run and what draws it."""

    run: LiveRun
    snapshot: Snapshot
    live: Live
    sparing: bool
    """Whether it draws with fewer threads than it could."""


class Drawer:
    """Makes what draws, and keeps its network for the next weights. Of one thread alone; imports
    torch there.
    """

    def __init__(self) -> None:
        self._generators: LiveGenerators | None = None

    def draw(
        self,
        run: LiveRun,
        get: Callable[[], Snapshot],
        wanted: str,
        threads: int | None,
        template: OnnxTemplate | None,
    ) -> Drawn:
        """What draws a run with given weights.

        Args:
            run: whose weights they are.
            get: gives them; it is called here, and what it raises is raised here.
            wanted: the device, or "auto".
            threads: of one decode on the CPU at most; None as is best.
            template: a decoder of such a network to draw with, if there is one.
        """
        from genviewer.engine.device import choose_device
        from genviewer.engine.live_generator import LiveGenerators, bundle_of

        if self._generators is None:
            self._generators = LiveGenerators()
        snapshot = get()
        device = choose_device(wanted)
        generator = self._generators.generator_of(snapshot, device, threads, template)
        best = 0
        if template is not None and generator.engine == "onnx":
            best = template.threads
        limited = threads is not None and generator.device == "cpu"
        sparing = limited and generator.threads != best
        live = Live(bundle_of(snapshot, run.folder), generator, run.ref, run.base)
        return Drawn(run, snapshot, live, sparing)

    def forget(self) -> None:
        """The run is over: its network is needed no more."""
        self._generators = None
