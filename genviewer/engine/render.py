"""The render thread: the newest Scene, the current sample first, the Sheet in small chunks.

There is no queue. A one-item mailbox holds the newest request; what waits there is overwritten.
Results leave through one :class:`~genviewer.engine.rendered.Slot`, in which newer ones replace
older ones. So neither a fast hand nor a slow window builds a backlog, and the last request is
always drawn.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from genviewer.core.frame import Failure, Frame
from genviewer.core.pixels import fewer_pixels
from genviewer.core.views import ViewInputs, make_sheet
from genviewer.engine.cells import decode_pack, decode_recipe
from genviewer.engine.generator import DecodeError
from genviewer.engine.rendered import MAX_STAMPS, Rendered, SheetUpdate, Slot
from genviewer.engine.sheet_progress import Key, Plan, SheetProgress, TileCache

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.core.recipe import ModelRef, Recipe
    from genviewer.core.scene import Scene
    from genviewer.engine.generator import Generator

CHUNK_S = 0.006
"""What a chunk of the Sheet may cost: the current sample waits at most this long for it."""

HANDOVER_S = 0.004
"""How long the Sheet waits for the current sample to be taken: two threads of Python take turns,
and planning a Sheet would keep the window from painting.
"""

MOVING_S = 0.25
"""So long after the last event the hand counts as moving."""

SPARING_S = 0.1
"""Between two Sheets that follow a moving hand while others need the cores."""

MAX_CHUNK = 256
RATE_WINDOW_S = 2.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Request:
    """Everything that decides what is drawn.

    Attributes:
        scene, inputs: what to draw.
        stamp: ``time.perf_counter()`` of the event that asked for it, or 0 for none.
        want_sheet: whether anybody looks at the Sheet; the current sample is always drawn.
    """

    scene: Scene
    inputs: ViewInputs = field(default_factory=ViewInputs)
    stamp: float = 0.0
    want_sheet: bool = True

    def same_work(self, other: Request) -> bool:
        """Whether both ask for the same picture."""
        return (
            self.inputs is other.inputs
            and self.want_sheet == other.want_sheet
            and self.scene == other.scene
        )


@dataclass(frozen=True)
class Counters:
    """How much was drawn since the start.

    Attributes:
        frames: current samples.
        sheets: complete Sheets.
        dropped: requests that a newer one overtook before they were drawn.
        failures: of either.
        sheets_per_s: complete Sheets per second lately.
    """

    frames: int = 0
    sheets: int = 0
    dropped: int = 0
    failures: int = 0
    sheets_per_s: float = 0.0


class RenderThread:
    """Draws requests. At rest it waits without polling; no lock is held while it decodes.

    Args:
        on_ready: called in the render thread when something can be taken after the slot was empty.
    """

    def __init__(self, on_ready: Callable[[], None]) -> None:
        self._on_ready = on_ready
        self._slot = Slot()
        self._condition = threading.Condition()
        # Guarded by the condition:
        self._mail: Request | None = None
        self._stamps: deque[float] = deque(maxlen=MAX_STAMPS)
        self._newest: Request | None = None
        self._generators: dict[str, Generator] = {}
        self._refresh = False
        self._stopping = False
        self._waiting = False
        self._dropped = 0
        self._last_stamp = 0.0
        self.sparing = False
        """Whether others need the cores: under a moving hand the Sheet follows less often then. Any
        thread may set it.
        """
        # Of the render thread alone:
        self._focus_shown: tuple[Generator, Recipe] | None = None
        self._panes_shown: dict[int, tuple[Generator, Recipe]] = {}
        self._planned: Request | None = None
        self._job: SheetProgress | None = None
        self._next: Plan | None = None
        self._postponed: tuple[Generator, Request] | None = None
        self._plan_due = 0.0
        self._shown: Plan | None = None
        self._handed: dict[int, Key] = {}
        self._complete = False  # whether the last update that was published was
        self._cache = TileCache()
        self._serial = 0
        self._seconds_per_cell: WeakKeyDictionary[Generator, float] = WeakKeyDictionary()
        self._frames = self._sheets = self._failures = 0
        self._sheet_times: deque[float] = deque(maxlen=64)
        self._thread = threading.Thread(target=self._run, name="genviewer-render", daemon=True)

    # ---- any thread ----

    def start(self) -> None:
        """Start drawing."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the decode that is under way, and wait for that."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        if self._thread.is_alive():
            self._thread.join()

    def request(self, request: Request) -> None:
        """Ask for a picture; returns at once. What waited to be drawn is overwritten."""
        with self._condition:
            if self._mail is not None:
                self._dropped += 1
            self._mail = self._newest = request
            if request.stamp:
                self._stamps.append(request.stamp)
                self._last_stamp = request.stamp
            self._condition.notify()

    def use(self, ref: ModelRef, generator: Generator) -> None:
        """Draw that model with this generator from now on; the newest request is redrawn."""
        with self._condition:
            self._generators[ref.id] = generator
            self._refresh = True
            self._condition.notify()

    def forget(self, ref: ModelRef) -> None:
        """Let go of a model's generator."""
        with self._condition:
            self._generators.pop(ref.id, None)
            self._refresh = True
            self._condition.notify()

    def take(self) -> Rendered | None:
        """Everything that is new since the last call, or None."""
        return self._slot.take()

    @property
    def moving(self) -> bool:
        """Whether a hand is at work: what can wait, waits; any thread."""
        return time.perf_counter() - self._last_stamp < MOVING_S

    @property
    def idle(self) -> bool:
        """Whether everything that was asked for has been drawn and taken; any thread."""
        with self._condition:
            waiting = self._waiting and self._mail is None and not self._refresh
        return waiting and self._slot.empty

    @property
    def counters(self) -> Counters:
        """How much was drawn; a snapshot."""
        since = time.perf_counter() - RATE_WINDOW_S
        recent = sum(when > since for when in tuple(self._sheet_times))
        return Counters(
            self._frames, self._sheets, self._dropped, self._failures, recent / RATE_WINDOW_S
        )

    # ---- the render thread ----

    def _run(self) -> None:
        while True:
            mail = self._receive()
            if self._stopping:
                return
            try:
                if mail is not None:
                    self._answer(*mail)
                if self._postponed is not None and time.perf_counter() >= self._plan_due:
                    self._plan_sheet(*self._postponed)
                if self._job is not None:
                    self._draw_chunk(self._job)
            except Exception as error:  # a mistake in here must not silence the program
                _log.exception("The render thread made a mistake.")
                self._drop_job()
                request = mail[0] if mail is not None else self._newest
                if request is not None:
                    failure = Failure(f"Drawing failed: {error}", request.scene.model)
                    self._publish(Rendered(failure))

    def _receive(self) -> tuple[Request, tuple[float, ...]] | None:
        """The newest request if there is one; waits for it only where nothing else is to do."""
        with self._condition:
            while not (
                self._stopping or self._mail is not None or self._refresh or self._job is not None
            ):
                if self._postponed is None:
                    self._waiting = True
                    self._condition.wait()
                elif (seconds := self._plan_due - time.perf_counter()) > 0.0:
                    self._condition.wait(seconds)
                else:
                    break
            self._waiting = False
            request = self._mail
            if self._refresh and request is None:
                request = self._newest
            self._mail, self._refresh = None, False
            if request is None:
                return None
            stamps = tuple(self._stamps)
            self._stamps.clear()
            return request, stamps

    def _answer(self, request: Request, stamps: tuple[float, ...]) -> None:
        generator = self._generators.get(request.scene.model.id)
        if generator is None:
            self._drop_job()
            self._focus_shown = None
            model = request.scene.model
            self._fail(f"The model {model.name} is not loaded.", request, stamps)
            return
        drawn = self._draw_focus(generator, request, stamps)
        self._draw_panes(request.scene)
        if drawn:
            self._slot.wait_taken(HANDOVER_S)
            if self.sparing and self.moving and time.perf_counter() < self._plan_due:
                self._postponed = generator, request
            else:
                self._plan_sheet(generator, request)
        else:
            self._drop_job()

    def _draw_focus(
        self, generator: Generator, request: Request, stamps: tuple[float, ...]
    ) -> bool:
        """Draw the current sample unless it is the one shown; False if that failed."""
        recipe = request.scene.recipe
        if self._focus_shown is not None:
            shown_by, shown = self._focus_shown
            if shown_by is generator and shown == recipe:
                return True
        self._focus_shown = None
        started = time.perf_counter()
        try:
            pixels = decode_recipe(generator, recipe)
        except Exception as error:  # a model may raise anything
            self._fail(_reason(error), request, stamps)
            return False
        taken = time.perf_counter() - started
        self._focus_shown = (generator, recipe)
        self._frames += 1
        self._seconds_per_cell.setdefault(generator, taken)
        self._cache.add([self._cache.key(generator, recipe)], pixels[None])
        frame = Frame(pixels, request.scene.model, recipe, taken * 1e3, generator.ref)
        self._publish(Rendered(frame, stamps, notices=_notices(generator)))
        return True

    def _draw_panes(self, scene: Scene) -> None:
        """Draw the samples of the other panes, those that are not shown already."""
        shown, self._panes_shown = self._panes_shown, {}
        frames: dict[int, Frame | Failure] = {}
        for index, pane in enumerate(scene.panes):
            if pane is scene.pane:
                continue
            generator = self._generators.get(pane.model.id)
            if generator is None:
                continue  # it is being opened
            before = shown.get(index)
            if before is not None and before[0] is generator and before[1] == pane.recipe:
                self._panes_shown[index] = before
                continue
            started = time.perf_counter()
            try:
                pixels = decode_recipe(generator, pane.recipe)
            except Exception as error:  # a model may raise anything
                self._failures += 1
                frames[index] = Failure(_reason(error), pane.model, pane.recipe)
                continue
            taken = (time.perf_counter() - started) * 1e3
            self._panes_shown[index] = (generator, pane.recipe)
            frames[index] = Frame(pixels, pane.model, pane.recipe, taken, generator.ref)
        if frames:
            self._publish(Rendered(panes=frames))

    def _plan_sheet(self, generator: Generator, request: Request) -> None:
        self._postponed, self._plan_due = None, time.perf_counter() + SPARING_S
        if request.scene.view == "focus" or not request.want_sheet:
            self._drop_job()
            self._shown = None
            return
        if self._planned is not None and self._planned.same_work(request):
            latest = self._next or (self._job.plan if self._job else self._shown)
            if latest is not None and latest.generator is generator:
                return
        self._planned = request
        sheet = make_sheet(request.scene, generator.spec, request.inputs)
        plan = Plan(sheet, request.scene.view, generator)
        if self._job is None or self._job.plan.overtaken_by(plan):
            self._begin(plan)
        else:
            self._next = plan

    def _begin(self, plan: Plan) -> None:
        shown, self._next, self._shown = self._shown, None, plan
        reset = shown is None or not plan.same_places(shown)
        if reset:
            self._handed.clear()
        self._serial += 1
        self._job = job = SheetProgress(plan, self._serial, self._cache, self._handed)
        same = shown is not None and plan.same_picture(shown)
        if same and job.done and not job.known and self._complete:
            self._job = None  # it is on the screen already
            return
        if not same or job.known or job.done:
            update = SheetUpdate(plan.sheet, job.serial, reset, job.known, job.done)
            self._publish_sheet(update, plan.generator)
        if job.done:
            self._finish()

    def _draw_chunk(self, job: SheetProgress) -> None:
        generator = job.plan.generator
        per_cell = self._seconds_per_cell.get(generator, CHUNK_S)
        size = int(min(max(CHUNK_S / max(per_cell, 1e-6), 1), MAX_CHUNK))
        pack, rows = job.next_chunk(size)
        started = time.perf_counter()
        try:
            pixels = fewer_pixels(decode_pack(generator, pack, rows), job.plan.reduction)
        except Exception as error:  # a model may raise anything
            self._failures += 1
            failure = Failure(_reason(error), pack.model)
            update = SheetUpdate(job.plan.sheet, job.serial, False, (), False, failure)
            self._publish_sheet(update, generator)
            self._drop_job()
            return
        taken = (time.perf_counter() - started) / len(rows)
        self._seconds_per_cell[generator] = 0.5 * per_cell + 0.5 * taken
        tiles = job.drawn(pixels)
        update = SheetUpdate(job.plan.sheet, job.serial, False, (tiles,), job.done)
        self._publish_sheet(update, generator)
        if job.done:
            self._finish()

    def _finish(self) -> None:
        """Count the complete Sheet and go on with the newest, if that is another."""
        self._job = None
        self._sheets += 1
        self._sheet_times.append(time.perf_counter())
        if self._next is not None:
            self._begin(self._next)

    def _drop_job(self) -> None:
        self._job = self._next = self._planned = self._postponed = None

    def _fail(self, message: str, request: Request, stamps: tuple[float, ...]) -> None:
        self._failures += 1
        scene = request.scene
        self._publish(Rendered(Failure(message, scene.model, scene.recipe), stamps))

    def _publish_sheet(self, update: SheetUpdate, generator: Generator) -> None:
        self._complete = update.complete
        self._publish(Rendered(sheet=update, notices=_notices(generator)))

    def _publish(self, rendered: Rendered) -> None:
        if self._slot.put(rendered):
            try:
                self._on_ready()
            except Exception:  # the thread outlives a listener's mistake, and says so
                _log.exception("Whoever is told that a picture is ready made a mistake.")


def _reason(error: Exception) -> str:
    """One sentence for the user; what no generator should raise is logged as well."""
    if isinstance(error, DecodeError):
        return str(error)
    _log.exception("A generator raised what it should not.")
    text = str(error).splitlines()[0][:200] if str(error) else "no reason given"
    return f"The model failed: {type(error).__name__}: {text}"


def _notices(generator: Generator) -> tuple[str, ...]:
    taken = tuple(generator.notices)
    del generator.notices[: len(taken)]
    return taken
