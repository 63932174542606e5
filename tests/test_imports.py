"""What is imported when: each check runs in a Python of its own."""

import ast
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import genviewer
from genviewer.core.resources import models_dir

PACKAGE = Path(genviewer.__file__).parent

needs_digits = pytest.mark.skipif(
    not (models_dir() / "digits-cvae" / "decoder.onnx").is_file(),
    reason="digits-cvae is not bundled with an accelerator",
)


def loaded_by(code: str) -> set[str]:
    """Names of the modules loaded after some code ran in a fresh Python."""
    program = textwrap.dedent(code) + "\nimport sys; sys.stdout.write(' '.join(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())


def test_the_probe_sees_what_is_loaded():
    assert "decimal" in loaded_by("import decimal")
    assert "decimal" not in loaded_by("pass")


def test_import_genviewer_loads_nothing_else():
    before = loaded_by("pass")
    assert loaded_by("import genviewer") - before == {"genviewer"}


def test_the_command_itself_is_light():
    loaded = loaded_by("import genviewer.cli")
    assert not loaded & {"typer", "rich", "torch", "numpy", "PySide6", "onnxruntime", "msgspec"}


def test_a_wrong_model_is_told_without_typer_qt_or_torch():
    loaded = loaded_by("from genviewer.cli import main; assert main(['no-such-model']) == 1")
    assert not loaded & {"typer", "torch", "PySide6", "onnxruntime"}


def test_headless_commands_load_no_qt_and_no_torch():
    loaded = loaded_by("from genviewer.cli import main; assert main(['models', '--json']) == 0")
    assert not loaded & {"torch", "PySide6", "onnxruntime"}


@needs_digits
def test_drawing_headless_with_the_accelerator_loads_no_qt_and_no_torch(tmp_path):
    out = str(tmp_path / "x.png")
    arguments = ["sample", "digits-cvae", "-n", "2", "--device", "cpu", "--out", out]
    loaded = loaded_by(f"from genviewer.cli import main; assert main({arguments!r}) == 0")
    assert "onnxruntime" in loaded
    assert not loaded & {"torch", "onnx", "PySide6"}


@pytest.mark.parametrize("package", ["core", "io", "session"])
def test_no_module_of_a_package_needs_torch_to_be_imported(package):
    modules = [
        f"genviewer.{package}.{path.stem}"
        for path in sorted((PACKAGE / package).glob("*.py"))
        if path.stem != "__init__"
    ]
    assert modules
    loaded = loaded_by("\n".join(f"import {module}" for module in modules))
    assert not loaded & {"torch", "PySide6", "onnx", "pyarrow"}


def test_what_the_data_window_is_opened_with_needs_no_torch():
    assert "torch" not in loaded_by("import genviewer.engine.data_figures")


@needs_digits
def test_the_first_picture_needs_no_torch():
    loaded = loaded_by(
        """
        from genviewer.core.condition import pack
        from genviewer.core.recipe import seeded_recipe
        from genviewer.core.resources import models_dir
        from genviewer.engine.generator import load_generator
        from genviewer.io.bundle import open_bundle

        bundle = open_bundle(models_dir() / "digits-cvae")
        generator = load_generator(bundle, device="cpu")
        recipe = seeded_recipe(bundle.spec, 0)
        z, y = recipe.latent.array[None], pack(recipe.condition, bundle.spec)[None]
        pixels = generator.decode_pixels(z, y)
        assert pixels.shape == (1, 28, 28, 1) and pixels.max() > 128
        """
    )
    assert "onnxruntime" in loaded
    assert not loaded & {"torch", "onnx", "PySide6", "typer"}


def test_the_window_is_reached_without_torch_and_without_typer():
    loaded = loaded_by("import genviewer.cli, genviewer.ui.app")
    assert "PySide6.QtWidgets" in loaded
    assert not loaded & {"torch", "onnx", "typer", "rich", "pydantic", "pyqtgraph"}


def test_import_contracts_hold():
    result = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_qt_is_imported_in_ui_only():
    """Beside the contracts: those see what is imported, this what is written."""
    outside = []
    for path in PACKAGE.rglob("*.py"):
        if path.is_relative_to(PACKAGE / "ui"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            if {name.split(".")[0] for name in names} & {"PySide6", "shiboken6", "pyqtgraph"}:
                outside.append(str(path))
    assert not outside


@pytest.mark.parametrize("extra", ["superqt", "qtawesome"])
def test_what_the_project_does_without_stays_out(extra):
    texts = [path.read_text("utf-8") for path in PACKAGE.rglob("*.py")]
    assert not [text for text in texts if f"import {extra}" in text or f"from {extra}" in text]
