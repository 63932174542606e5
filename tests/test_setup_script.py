"""`scripts/setup.sh` in a checkout of its own, with commands that only log their arguments."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"),
    reason="system libraries are looked at on Linux only",
)


class Checkout:
    """A folder with the set-up script and stubs of everything that it calls."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stubs = path / "stubs"
        self.log = path / "log"
        (path / "scripts").mkdir()
        for name in ("scripts/setup.sh", "scripts/qt-packages-debian.txt", "pyproject.toml"):
            shutil.copy(ROOT / name, path / name)
        self.stub("python3", f'echo "$@" >>{self.log}')
        (path / ".venv" / "bin").mkdir(parents=True)
        shutil.copy(self.stubs / "python3", path / ".venv" / "bin" / "python")
        (path / ".venv/lib/python3.11/site-packages/PySide6/Qt").mkdir(parents=True)
        self.stub("ldd", "true")
        self.stub("id", "echo 1000")
        self.stub("dpkg", "true")
        self.stub("apt-get", f'echo apt-get "$@" >>{self.log}')

    def stub(self, name: str, body: str) -> None:
        self.stubs.mkdir(exist_ok=True)
        (self.stubs / name).write_text(f"#!/bin/sh\n{body}\n")
        (self.stubs / name).chmod(0o755)

    def run(self, extras: str = "run", **environment: str) -> subprocess.CompletedProcess[str]:
        self.log.write_text("")
        return subprocess.run(
            ["/bin/sh", "scripts/setup.sh", extras],
            cwd=self.path,
            env={"PATH": f"{self.stubs}:/usr/bin:/bin", **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def calls(self) -> str:
        return self.log.read_text()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_set_up_is_done_once(checkout):
    first = checkout.run()
    assert first.returncode == 0, first.stderr
    assert "install -e ." in checkout.calls
    assert checkout.run().returncode == 0
    assert checkout.calls == ""


def test_tests_need_more_than_a_run_and_a_run_no_more_than_tests(checkout):
    checkout.run("run")
    checkout.run("test")
    assert "install -e .[test]" in checkout.calls
    checkout.run("run")
    assert checkout.calls == ""


def test_changed_requirements_are_installed(checkout):
    checkout.run()
    with (checkout.path / "pyproject.toml").open("a") as file:
        file.write("# changed\n")
    checkout.run()
    assert "install -e ." in checkout.calls


def test_a_failed_installation_is_tried_again(checkout):
    working = (checkout.path / ".venv" / "bin" / "python").read_text()
    broken = '#!/bin/sh\ncase "$*" in *"install -e"*) exit 1;; esac\n'
    (checkout.path / ".venv" / "bin" / "python").write_text(broken)
    assert checkout.run().returncode != 0
    (checkout.path / ".venv" / "bin" / "python").write_text(working)
    assert checkout.run().returncode == 0
    assert "install -e ." in checkout.calls


def test_missing_libraries_are_told_with_the_exact_command(checkout):
    checkout.stub("ldd", 'echo "libxcb-cursor.so.0 => not found"')
    shown = checkout.run(DISPLAY=":0")
    assert shown.returncode == 1
    packages = (ROOT / "scripts/qt-packages-debian.txt").read_text().split()
    assert f"sudo apt-get install --no-install-recommends {' '.join(packages)}" in shown.stderr
    assert "apt-get" not in checkout.calls
    hidden = checkout.run()  # nothing is shown, and the offscreen platform starts
    assert hidden.returncode == 0
    assert "sudo apt-get install" in hidden.stderr


def test_root_installs_missing_libraries(checkout):
    checkout.stub("ldd", 'echo "libxcb-cursor.so.0 => not found"')
    checkout.stub("id", "echo 0")
    assert checkout.run(DISPLAY=":0").returncode == 0
    assert "apt-get update" in checkout.calls
    assert "libxcb-cursor0" in checkout.calls


def test_a_python_that_is_too_old_is_told(checkout):
    shutil.rmtree(checkout.path / ".venv")
    for name in ("python3", "python3.13", "python3.12", "python3.11", "python"):
        checkout.stub(name, "exit 1")
    result = checkout.run()
    assert result.returncode == 1
    assert "Python 3.11 or newer" in result.stderr
