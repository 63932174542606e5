"""The program with its window, from start to end."""

from __future__ import annotations

import gc
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMessageLogContext, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

import genviewer
from genviewer.core.latent import Latent
from genviewer.core.prior import draw
from genviewer.core.recipe import Recipe, default_condition
from genviewer.core.scene import Pane, Scene, ViewName
from genviewer.engine.library import find_model
from genviewer.io.bundle import Bundle, BundleError
from genviewer.io.library import DEFAULT_MODEL
from genviewer.session.fit import check_recipe
from genviewer.session.paths import UserFiles
from genviewer.session.preferences import Preferences
from genviewer.session.session import DEFAULT_SEED
from genviewer.session.state import Controls, State, StateError, keep_aside, load_state
from genviewer.ui import theme
from genviewer.ui.explorer import Explorer
from genviewer.ui.main_window import MainWindow
from genviewer.ui.restoring import kind_of

if TYPE_CHECKING:
    from types import TracebackType

FIRST_CLASS = 3
COLLECT_MS = 5000
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Start:
    """What the first window shows, and what to say about it."""

    state: State
    bundle: Bundle | None
    notices: tuple[tuple[str, str], ...]


def first_state(bundle: Bundle) -> State:
    """What is shown at the very first start: every class of one latent, or its neighbours."""
    spec = bundle.spec
    view: ViewName = "classes" if spec.class_condition is not None else "grid"
    recipe = Recipe(Latent(draw(spec.latent, DEFAULT_SEED)), default_condition(spec, FIRST_CLASS))
    scene = Scene((Pane(bundle.ref, recipe),), view)
    return State(scene, controls=Controls(seed=DEFAULT_SEED))


def find_start(session_file: Path, restore: bool) -> Start:
    """The last session, or a first state where there is none that can be used."""
    notices: list[tuple[str, str]] = []
    default = find_model(DEFAULT_MODEL)
    state = None
    if restore and session_file.exists():
        try:
            state = load_state(session_file)
        except StateError:
            try:
                aside = keep_aside(session_file)
                notices.append(
                    (f"The last session was damaged; it is kept as {aside.name}.", "warning")
                )
            except OSError:
                notices.append(("The last session cannot be read.", "warning"))
    if state is None:
        return Start(first_state(default), default, tuple(notices))
    if state.scene.model.id != default.model_id:
        return Start(state, None, tuple(notices))
    if check_recipe(state.scene.recipe, default.spec):
        return Start(first_state(default), default, tuple(notices))
    return Start(state, default, tuple(notices))


def make_application(arguments: list[str]) -> QApplication:
    """The one QApplication, with the program's name, style and font."""
    qInstallMessageHandler(_qt_message)
    app = QApplication(arguments)
    app.setApplicationName("genviewer")
    app.setApplicationDisplayName("genviewer")
    app.setApplicationVersion(genviewer.__version__)
    app.setStyle("Fusion")
    theme.load_font(app)
    return app


def open_window(
    preferences: Preferences,
    start: Start,
    files: UserFiles,
    target: str | Path | None = None,
) -> MainWindow:
    """A window on a start state, with its threads running; the model opens beside it."""
    explorer = Explorer(start.state, files)
    if start.bundle is not None:
        explorer.session.specs[start.bundle.model_id] = start.bundle.spec
    explorer.store.device = str(preferences.values["device"])
    explorer.store.engine = str(preferences.values["engine"])  # type: ignore[assignment]
    named = _model_target(target)
    if named is None:
        explorer.open_first(start.bundle)
    window = MainWindow(explorer, preferences, files)
    for text, severity in start.notices:
        window.tell(text, severity)
    if named is not None:
        window.files.open_model(named)
    elif target is not None:
        window.files.open_path(Path(target).absolute())
    return window


def _model_target(target: str | Path | None) -> str | Path | None:
    """The target if it names a model rather than an image, a project, a run or images to train on;
    a path is absolute, as it is remembered beyond the folder that this process began in.
    """
    if target is None:
        return None
    path = Path(target).absolute()
    if path.is_dir():
        return path if kind_of(path) == "model" else None
    return None if path.is_file() else target


def run(target: str | None = None) -> int:
    """Open the window and stay until it is closed; the process's exit code."""
    app = make_application(sys.argv[:1])
    preferences = Preferences.load()
    files = UserFiles.default()
    theme.apply(app, preferences.values["theme"])  # type: ignore[arg-type]
    try:
        start = find_start(files.session, bool(preferences.values["restore_session"]))
    except BundleError as error:
        _log.error("%s", error)
        return 1
    window = open_window(preferences, start, files, target)
    keeper = collect_on_this_thread(window)
    _report_errors(window)
    window.show()
    code = app.exec()
    keeper.stop()
    return code


def collect_on_this_thread(window: MainWindow) -> QTimer:
    """Collect garbage from a timer of the GUI thread only.

    The cyclic collector running in a worker would destroy Qt objects there. What was made at the
    start stays for good, so it is frozen and later collections are short. Long ones wait until
    nothing moves; at rest there is nothing to collect and the timer does next to nothing.
    """
    gc.disable()
    timer = QTimer(window)
    timer.setInterval(COLLECT_MS)

    def collect() -> None:
        still = window.explorer.latency.frames_per_second == 0
        if gc.get_freeze_count() == 0:
            if still:
                gc.collect()
                gc.freeze()
        elif gc.get_count()[0] > 2000:
            gc.collect(1)
            if still and gc.get_count()[2] > 20:
                gc.collect()

    timer.timeout.connect(collect)
    timer.start()
    return timer


def _report_errors(window: MainWindow) -> None:
    """Let an error that nobody caught be seen; the program goes on."""

    def report(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        _log.error("An error nobody expected", exc_info=(kind, error, trace))
        window.tell(f"Something went wrong: {str(error) or kind.__name__}.", "error")

    sys.excepthook = report


def _qt_message(kind: QtMsgType, _context: QMessageLogContext, text: str) -> None:
    # The offscreen platform says at every window which hints it has no use for.
    quiet = text.startswith("This plugin does not support ")
    if quiet or kind in (QtMsgType.QtDebugMsg, QtMsgType.QtInfoMsg):
        _log.debug("Qt: %s", text)
    else:
        _log.warning("Qt: %s", text)
