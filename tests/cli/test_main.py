"""The command as a whole: dispatch, exit codes, `models`, `info`, and the window's entry."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

import genviewer
from genviewer import bench, cli
from genviewer.cli import errors, main
from genviewer.core.resources import models_dir
from genviewer.io import library
from genviewer.session.paths import UserFiles
from genviewer.session.recent import Recent, RecentModel, save_recent
from tests.tiny_models import LATENT, SIZE, write_tiny_vae


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return write_tiny_vae(tmp_path_factory.mktemp("models") / "tiny")


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "genviewer", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


def test_the_commands_named_for_dispatch_are_those_that_exist():
    from genviewer.cli.commands import app

    named = {c.name or c.callback.__name__ for c in app.registered_commands}
    named |= {group.name for group in app.registered_groups}
    named |= {group.name for group in app.registered_groups}
    assert named == set(cli.COMMANDS)


def test_python_m_genviewer_runs_the_command():
    result = run("--version")
    assert result.returncode == 0
    assert result.stdout == f"genviewer {genviewer.__version__}\n"


@pytest.mark.parametrize("command", [[], *([name] for name in cli.COMMANDS)])
def test_help_of_every_command(command, capsys):
    assert main([*command, "--help"]) == 0
    assert "Usage: genviewer" in capsys.readouterr().out


def test_no_argument_and_a_model_open_the_window(tiny, monkeypatch):
    opened = []
    monkeypatch.setattr(cli, "_run_window", lambda target: opened.append(target) or 0)
    assert main([]) == 0
    assert main([str(tiny.path)]) == 0
    assert opened == [None, str(tiny.path)]


def test_a_subcommand_wins_over_a_model_of_its_name(tiny, tmp_path, monkeypatch, capsys):
    write_tiny_vae(tmp_path / "models")
    monkeypatch.chdir(tmp_path)
    opened = []
    monkeypatch.setattr(cli, "_run_window", lambda target: opened.append(target) or 0)
    assert main(["models"]) == 0
    assert opened == []
    assert capsys.readouterr().out
    assert main(["./models"]) == 0
    assert opened == ["./models"]


def test_without_a_display_the_window_says_so(monkeypatch, capsys):
    if sys.platform != "linux":
        pytest.skip("only Linux can be without a display server")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert main([]) == 1
    assert "genviewer tour" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["nonesuch"], 1, "There is no model 'nonesuch'"),
        (["smaple"], 1, "Or the command sample?"),
        (["smaple", "digits-cvae"], 2, "did you mean sample?"),
        (["xyzzy", "--out", "x"], 2, "--help"),
        (["--nonesuch"], 2, "--nonesuch"),
        (["info"], 2, "MODEL"),
        (["info", "nonesuch"], 1, "nonesuch"),
        (["models", "extra"], 2, "extra"),
    ],
)
def test_wrong_arguments(arguments, code, told, capsys):
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert told in captured.err
    assert captured.out == ""


def test_a_mistyped_bundled_name_is_guessed(monkeypatch, tiny, capsys):
    monkeypatch.setattr(library, "models_dir", lambda: tiny.path.parent)
    assert main(["info", "tniy"]) == 1
    assert "did you mean tiny?" in capsys.readouterr().err


# info and models


def test_info_json_has_every_field_of_the_contract(tiny, capsys):
    assert main(["info", str(tiny.path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    weights = document.pop("weights_sha256")
    assert len(weights) == 64
    assert document.pop("parameters") > 100
    assert document == {
        "name": "tiny",
        "reader": "bundle",
        "family": "vae",
        "model_id": tiny.model_id,
        "latent": {"dim": LATENT, "prior": "normal", "spaces": ["z"]},
        "conditions": [
            {"name": "class", "kind": "class", "size": 4, "names": ["ant", "bee", "cat", "dog"]}
        ],
        "image": {"channels": 3, "height": SIZE, "width": SIZE, "range": [0.0, 1.0]},
        "encoder": True,
        "density": True,
        "discriminator": False,
        "truncation": True,
        "assumptions": [],
        "warnings": [],
    }


def test_info_as_text(tiny, capsys):
    assert main(["info", str(tiny.path / "model.safetensors")]) == 0
    text = capsys.readouterr().out
    for told in ("tiny", tiny.model_id, "6 dimensions", "8 x 8", "ant, bee, cat, dog"):
        assert told in text


def test_info_of_an_unconditional_model(tmp_path, capsys):
    plain = write_tiny_vae(tmp_path / "plain", classes=())
    assert main(["info", str(plain.path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["conditions"] == []


def test_models_lists_what_is_bundled_and_tells_what_is_damaged(tiny, monkeypatch, capsys):
    folder = tiny.path.parent
    (folder / "broken").mkdir()
    (folder / "broken" / "config.json").write_text("{")
    monkeypatch.setattr(library, "models_dir", lambda: folder)
    assert main(["models", "--json"]) == 0
    broken, good = json.loads(capsys.readouterr().out)
    assert (broken["name"], good["name"]) == ("broken", "tiny")
    assert "broken" in broken["error"]
    assert "error" not in good
    assert good["model_id"] == tiny.model_id
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "cannot be opened" in lines[0]
    assert lines[1].split()[0] == "tiny"


def test_models_lists_what_was_opened_lately(tiny, tmp_path, monkeypatch, capsys):
    (tmp_path / "none").mkdir()
    monkeypatch.setattr(library, "models_dir", lambda: tmp_path / "none")
    models = [
        RecentModel(str(tiny.path), "tiny", tiny.model_id),
        RecentModel(str(tmp_path / "gone"), "gone", "0" * 32),
    ]
    save_recent(UserFiles.default().recent, Recent(tuple(models)))
    assert main(["models", "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert (entry["name"], entry["origin"]) == ("tiny", "recent")
    assert main(["models"]) == 0
    assert str(tiny.path) in capsys.readouterr().out


@pytest.mark.parametrize("damage", ["empty", "no weights", "cut"])
def test_a_damaged_bundle_is_told_in_one_sentence(tmp_path, damage, capsys):
    path = write_tiny_vae(tmp_path / "damaged").path
    weights = path / "model.safetensors"
    if damage == "empty":
        for file in path.iterdir():
            file.unlink()
    elif damage == "no weights":
        weights.unlink()
    else:
        weights.write_bytes(weights.read_bytes()[:-100])
    assert main(["info", str(path), "--json"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    assert captured.err.count("\n") == 1


def test_a_file_that_is_no_model_and_no_image(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("hello")
    assert main(["info", str(tmp_path / "notes.txt")]) == 1
    assert "notes.txt is a text file, not a model" in capsys.readouterr().err


@pytest.mark.skipif(
    not (models_dir() / "digits-cvae" / "config.json").is_file(), reason="digits-cvae is not here"
)
def test_the_bundled_digits(tmp_path, capsys):
    assert main(["info", "digits-cvae", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["family"] == "vae"
    assert document["conditions"][0]["size"] == 10
    assert document["image"]["height"] == document["image"]["width"] == 28
    out = tmp_path / "ten.png"
    assert main(["sample", "digits-cvae", "-n", "10", "--out", str(out)]) == 0
    assert out.stat().st_size > 1000


# bench


def test_bench_tells_what_was_measured_as_json_and_as_text(monkeypatch, capsys):
    document = {
        "machine": {"cores": 2},
        "results": [
            {
                "name": "forward",
                "model": "toy",
                "value": 1.5,
                "unit": "ms",
                "baseline": 3.0,
                "ratio": 2.0,
                "target": ">= 1.3x",
                "met": True,
            },
            {
                "name": "stall",
                "model": "toy",
                "value": 20.0,
                "unit": "ms",
                "baseline": None,
                "ratio": None,
                "target": "<= 16.67 ms",
                "met": False,
            },
        ],
    }
    asked = []
    monkeypatch.setattr(bench, "run", lambda names, report: asked.append(names) or document)
    assert main(["bench", "forward", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == document
    assert main(["bench"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert asked == [["forward"], ["all"]]
    assert lines[-2].split() == ["forward", "toy", "1.5", "ms", "2.00x", ">=", "1.3x", "met"]
    assert lines[-1].split()[-1] == "MISSED"


def test_a_benchmark_that_is_not_there(capsys):
    assert main(["bench", "nonesuch"]) == 2
    assert "forward" in capsys.readouterr().err


# exit codes


def test_an_unexpected_error_is_one_line_unless_the_traceback_is_asked_for(monkeypatch, capsys):
    def fail():
        raise KeyError("missing")

    assert errors.exit_code(fail) == 1
    text = capsys.readouterr().err
    assert text.startswith("genviewer: unexpected KeyError")
    assert text.count("\n") == 1
    monkeypatch.setenv(errors.TRACEBACK_VARIABLE, "1")
    assert errors.exit_code(fail) == 1
    assert "Traceback" in capsys.readouterr().err


def test_interrupted_is_130(tiny, monkeypatch, capsys):
    from genviewer.cli import reports

    def interrupt(_bundle):
        raise KeyboardInterrupt

    monkeypatch.setattr(reports, "info_text", interrupt)
    assert main(["info", str(tiny.path)]) == 130
    assert capsys.readouterr().out == ""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send")
def test_ctrl_c_while_it_draws_ends_with_130_and_leaves_nothing(tiny, tmp_path):
    command = [sys.executable, "-m", "genviewer", "sample", str(tiny.path), "-n", "100000000"]
    # Where the suite itself runs with SIGINT ignored, as in the background of a shell, the child
    # would inherit that; a handler is not inherited.
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [*command, "--engine", "torch", "--out", str(tmp_path / "many")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    signal.signal(signal.SIGINT, previous)
    try:
        deadline = time.monotonic() + 50
        while not list(tmp_path.glob(".many*/*.png")):  # it has begun to draw
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_goes_away_is_no_traceback(tiny):
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run(
        [sys.executable, "-m", "genviewer", "models", "--json"],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(writer)
    assert process.returncode == 1
    assert process.stderr == ""
