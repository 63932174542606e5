"""The silence gates catch what they are there for, and let quiet tests pass."""

from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")
PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"

LOUD = """
import logging, os, threading, warnings
from pathlib import Path
import platformdirs, pytest

RELEASE = threading.Event()

@pytest.fixture(scope="session", autouse=True)
def release_threads():
    yield
    RELEASE.set()

def test_quiet():
    logging.getLogger("genviewer").info("fine")

def test_log_warning():
    logging.getLogger("genviewer").warning("a log record nobody asked for")

@pytest.mark.allow_log("WARNING")
def test_log_warning_allowed():
    logging.getLogger("genviewer").warning("expected")

@pytest.mark.allow_log("WARNING")
def test_log_error_above_what_is_allowed():
    logging.getLogger("genviewer").error("worse than expected")

def test_thread_leaks():
    threading.Thread(target=RELEASE.wait, name="leaky-thread", daemon=True).start()

def test_thread_ends():
    thread = threading.Thread(target=lambda: None)
    thread.start()

def test_widget_leaks(qapp):
    from PySide6.QtWidgets import QWidget
    global kept
    kept = QWidget()
    kept.setObjectName("leaky-widget")

def test_widget_goes(qtbot):
    from PySide6.QtWidgets import QWidget
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.show()

def test_qt_message():
    from PySide6.QtCore import qWarning
    qWarning("a Qt message nobody asked for")

@pytest.mark.allow_qt_message("expected")
def test_qt_message_allowed():
    from PySide6.QtCore import qWarning
    qWarning("an expected message")

def test_own_warning():
    warnings.warn_explicit("an own warning", UserWarning, "x.py", 1, module="genviewer.core.x")

def test_foreign_warning():
    warnings.warn_explicit("a foreign warning", UserWarning, "x.py", 1, module="elsewhere")

def test_collector_is_off(qapp):
    import gc
    assert not gc.isenabled()

@pytest.mark.parametrize("number", [1, 2])
def test_user_folders_are_fresh(number):
    folder = Path(platformdirs.user_config_dir("genviewer"))
    assert not folder.exists()
    folder.mkdir(parents=True)

@pytest.mark.soak
def test_soak():
    raise AssertionError("left out unless asked for")
"""


def test_gates_fail_what_is_loud_and_pass_what_is_quiet(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST.read_text())
    (pytester.path / "pyproject.toml").write_text(PYPROJECT.read_text())
    tests = pytester.mkdir("tests")
    (tests / "test_loud.py").write_text(LOUD)
    result = pytester.runpytest_subprocess("-v", "-p", "no:cacheprovider", "tests/test_loud.py")
    errors = {
        line.split("::")[1].split()[0] for line in result.outlines if line.startswith("ERROR tests")
    }
    assert errors == {
        "test_log_warning",
        "test_log_error_above_what_is_allowed",
        "test_thread_leaks",
        "test_widget_leaks",
        "test_qt_message",
    }
    failed = {
        line.split("::")[1].split()[0]
        for line in result.outlines
        if line.startswith("FAILED tests")
    }
    assert failed == {"test_own_warning"}
    result.assert_outcomes(passed=14, failed=1, errors=5, deselected=1, warnings=1)
    text = result.stdout.str()
    for told in (
        "a log record nobody asked for",
        "worse than expected",
        "leaky-thread",
        "leaky-widget",
        "a Qt message nobody asked for",
    ):
        assert told in text


def test_shared_data_missing_is_a_skip_with_a_reason(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST.read_text().replace('"shared"', '"no-such-folder"'))
    (pytester.path / "pyproject.toml").write_text(PYPROJECT.read_text())
    pytester.makepyfile("def test_needs_data(shared): pass")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*no shared test data*"])
