"""What every test gets: its own user folders, no display, and the silence gates.

The gates fail a test that leaves something behind or speaks up without being asked to: a log
record or a Qt message of level WARNING or above, a running thread, a top-level widget. Warnings
that come from our own modules are errors, which `filterwarnings` in pyproject.toml does.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import re
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# On a busy machine, threads of torch that spin while they wait for each other take minutes.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

pytest_plugins = ["pytester"]

settings.register_profile("genviewer", deadline=None)  # a busy machine is no mistake
settings.load_profile("genviewer")

FREEZE_EVERY = 40  # tests of the window
_ui_tests = 0
THREAD_GRACE_S = 2.0  # a thread that was told to stop may need a moment to do so
IGNORED_QT_MESSAGES = [
    r"This plugin does not support ",  # the offscreen platform, about hints it has no use for
]


@pytest.fixture
def small_files() -> Callable[[int], AbstractContextManager[None]]:
    """Within `small_files(size)` no file grows beyond `size` bytes, as on a disk nearly full.

    The limit is the whole process's. Nothing but what is tested may run within it: pytest's own
    output, where it goes to a file, would be refused as well.
    """
    resource = pytest.importorskip("resource", reason="no limits on file sizes on this system")

    @contextlib.contextmanager
    def limited(size: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited


@pytest.fixture(autouse=True)
def own_user_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The user's home, configuration, data, state and cache folders, fresh for this test."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "USERPROFILE"):
            patch.setenv(name, str(home))
        for name, folder in {
            "XDG_CONFIG_HOME": ".config",
            "XDG_DATA_HOME": ".local/share",
            "XDG_STATE_HOME": ".local/state",
            "XDG_CACHE_HOME": ".cache",
            "APPDATA": "roaming",
            "LOCALAPPDATA": "local",
        }.items():
            patch.setenv(name, str(home / folder))
        yield home


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared test data beside the checkout; without it the test is skipped."""
    path = Path(__file__).resolve().parents[2] / "shared"
    if not path.is_dir():
        pytest.skip(f"no shared test data: {path} is not there")
    return path


class _Records(logging.Handler):
    """Collects log records of level WARNING and above."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(autouse=True)
def no_log_warnings(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails the test when something logs at WARNING or above; `allow_log(level)` permits it."""
    handler = _Records()
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
    marker = request.node.get_closest_marker("allow_log")
    allowed = logging.WARNING - 1
    if marker is not None:
        allowed = logging.getLevelNamesMapping()[marker.args[0] if marker.args else "CRITICAL"]
    bad = [record for record in handler.records if record.levelno > allowed]
    if bad:
        lines = "\n".join(f"  {r.levelname} {r.name}: {r.getMessage()}" for r in bad)
        pytest.fail(f"unexpected log records:\n{lines}", pytrace=False)


@pytest.fixture(autouse=True)
def no_qt_warnings(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails the test when Qt says something at WARNING or above.

    `allow_qt_message(pattern)` permits the messages in which the pattern is found.
    """
    if "PySide6.QtCore" not in sys.modules:
        yield
        return
    from PySide6.QtCore import QtMsgType, qInstallMessageHandler

    loud = {QtMsgType.QtWarningMsg, QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg}
    heard: list[str] = []

    def handle(kind: QtMsgType, _context: object, text: str) -> None:
        sys.stderr.write(f"{kind.name}: {text}\n")
        if kind in loud:
            heard.append(text)

    previous = qInstallMessageHandler(handle)
    try:
        yield
    finally:
        qInstallMessageHandler(previous)
    allowed = list(IGNORED_QT_MESSAGES)
    for marker in request.node.iter_markers("allow_qt_message"):
        allowed.extend(marker.args)
    bad = [text for text in heard if not any(re.search(pattern, text) for pattern in allowed)]
    if bad:
        lines = "\n".join(f"  {text}" for text in bad)
        pytest.fail(f"unexpected Qt messages:\n{lines}", pytrace=False)


@pytest.fixture(autouse=True)
def no_leaked_threads() -> Iterator[None]:
    """Fails the test when a thread that it started still runs after it."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + THREAD_GRACE_S
    leaked = []
    for thread in threading.enumerate():
        # A dummy stands for a thread that Python did not start, such as a QThread's.
        if thread in before or isinstance(thread, threading._DummyThread):
            continue
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            leaked.append(thread)
    if leaked:
        names = "\n".join(f"  {thread.name}" for thread in leaked)
        pytest.fail(f"threads still running:\n{names}", pytrace=False)


@pytest.fixture(autouse=True)
def no_leaked_widgets(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails the test when a top-level widget outlives it.

    During a test with a QApplication the cyclic collector is off, as it is in the program: it
    would destroy Qt objects on whatever thread it happens to run on. It runs here instead.
    What is there before a test, mostly the modules of torch, is set aside now and then: to look
    through it after every test takes longer than most tests do.
    """
    global _ui_tests
    if not {"qapp", "qtbot"} & set(request.fixturenames):
        yield
        return
    from PySide6.QtWidgets import QApplication

    before = set(_own_top_levels(QApplication))
    was_enabled = gc.isenabled()
    gc.disable()
    if _ui_tests % FREEZE_EVERY == 0:
        gc.collect()
        gc.freeze()
    _ui_tests += 1
    try:
        yield
        gc.collect()
        leaked = [widget for widget in _own_top_levels(QApplication) if widget not in before]
        names = [f"{type(widget).__name__} {widget.objectName()!r}" for widget in leaked]
        for widget in leaked:
            widget.close()
            widget.deleteLater()
        leaked.clear()
        _flush_deletions(QApplication)
    finally:
        if was_enabled:
            gc.enable()
    if names:
        lines = "\n".join(f"  {name}" for name in names)
        pytest.fail(f"top-level widgets left behind:\n{lines}", pytrace=False)


def _flush_deletions(application: type) -> None:
    from PySide6.QtCore import QCoreApplication, QEvent

    if application.instance() is not None:
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def _own_top_levels(application: type) -> list:
    """Top-level widgets that nobody owns, less those that Qt keeps for itself."""
    if application.instance() is None:
        return []
    _flush_deletions(application)
    return [
        widget
        for widget in application.topLevelWidgets()
        if widget.parent() is None and widget.metaObject().className() != "QTipLabel"
    ]
