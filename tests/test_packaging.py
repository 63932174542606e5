"""What goes into the wheel, and that the shipped files are found from a checkout and a wheel."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import genviewer
from genviewer.core import resources

ROOT = Path(genviewer.__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built by hatchling; skipped where hatchling is not to be had."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    result = subprocess.run(
        [*build, "--wheel-dir", folder, ROOT],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    if result.returncode and "hatchling" in result.stderr and "No matching" in result.stderr:
        pytest.skip("hatchling is not to be had here, so no wheel can be built")
    assert result.returncode == 0, result.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_carries_code_models_and_assets(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for path in resources.models_dir().rglob("*"):
        if path.is_file() and not path.name.startswith("."):
            relative = path.relative_to(resources.models_dir()).as_posix()
            assert f"genviewer/_data/models/{relative}" in names
    assert "genviewer/_data/assets/genviewer.svg" in names
    assert {"genviewer/py.typed", "genviewer/cli/commands.py"} <= names
    assert not [name for name in names if name.startswith(("tests/", "models/", "assets/"))]


def test_the_wheel_names_its_command_and_licence(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (entry_points,) = [n for n in names if n.endswith("entry_points.txt")]
        (metadata,) = [n for n in names if n.endswith(".dist-info/METADATA")]
        assert "genviewer = genviewer.cli:main" in archive.read(entry_points).decode()
        text = archive.read(metadata).decode()
    assert f"Version: {genviewer.__version__}" in text
    assert "License-Expression: MIT" in text


def test_resources_are_found_from_an_unpacked_wheel(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = (
        "from genviewer.core.resources import models_dir, assets_dir; "
        "import sys; sys.stdout.write(f'{models_dir()}\\n{assets_dir()}')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    models, assets = map(Path, result.stdout.splitlines())
    assert models == (tmp_path / "genviewer" / "_data" / "models").resolve()
    assert (assets / "genviewer.svg").is_file()


def test_resources_are_found_in_the_checkout():
    assert resources.models_dir() == ROOT / "models"
    assert resources.assets_dir() == ROOT / "assets"


def test_a_damaged_installation_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(resources, "PACKAGE", tmp_path / "site-packages" / "genviewer")
    resources.resource_root.cache_clear()
    try:
        with pytest.raises(FileNotFoundError, match="install genviewer again"):
            resources.models_dir()
    finally:
        resources.resource_root.cache_clear()


def test_broken_qt_releases_are_excluded():
    requirements = " ".join(PYPROJECT["project"]["dependencies"])
    for release in ("6.10.1", "6.11.0", "6.11.1", "6.12.0"):
        assert f"!={release}" in requirements
    installed = importlib.metadata.version("PySide6-Essentials")
    assert installed not in {"6.10.1", "6.11.0", "6.11.1"}
    assert installed != "6.12.0" or sys.version_info >= (3, 12)


def test_every_dependency_is_imported_somewhere():
    module_of = {"pillow": "PIL", "PySide6-Essentials": "PySide6", "pyyaml": "yaml"}
    # The exporter inside torch imports onnxscript by itself.
    indirect = {"onnxscript"}
    code = "\n".join(p.read_text("utf-8") for p in (ROOT / "genviewer").rglob("*.py"))
    for requirement in PYPROJECT["project"]["dependencies"]:
        name = re.split(r"[<>=!;\[ ]", requirement, maxsplit=1)[0]
        module = module_of.get(name, name.replace("-", "_"))
        used = re.search(rf"^\s*(import|from) {module}\b", code, re.MULTILINE)
        assert used or name in indirect, f"{name} is required, but nothing imports it"


def test_version_is_in_the_changelog():
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert "## Unreleased" in text or f"## {genviewer.__version__}" in text
