"""`genviewer evaluate`: the document, the text, the card, and how it ends."""

import io
import json
import sys

import numpy as np
import pytest

from genviewer.cli import main
from genviewer.cli.evaluation_reports import BEGIN, END, with_figures
from genviewer.cli.progress import stages
from genviewer.engine import evaluate as module
from genviewer.engine import evaluate_features
from tests.tiny_models import write_tiny_vae


@pytest.fixture
def model(tmp_path, monkeypatch):
    for where, name, value in (
        (evaluate_features, "STEPS", 3),
        (evaluate_features, "BATCH", 16),
        (module, "STEPS", 3),
    ):
        monkeypatch.setattr(where, name, value)
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    np.savez(
        "data.npz",
        train_images=rng.integers(0, 256, (80, 8, 8), np.uint8),
        train_labels=np.arange(80) % 4,
        test_images=rng.integers(0, 256, (40, 8, 8), np.uint8),
        test_labels=np.arange(40) % 4,
    )
    return write_tiny_vae(tmp_path / "tiny", channels=1)


ARGUMENTS = ["evaluate", "./tiny", "--data", "data.npz", "-n", "40", "--threads", "1"]


def test_the_document_holds_every_figure_and_repeats(model, capsys):
    documents = []
    for _ in range(2):
        assert main([*ARGUMENTS, "--json"]) == 0
        captured = capsys.readouterr()
        documents.append(json.loads(captured.out))
        assert "drawing tiny" in captured.err
    document = documents[0]
    assert documents[1] == document
    assert set(document) == {
        "model", "model_id", "n", "seed", "engine", "data", "features", "samples", "real",
        "neighbours", "diversity", "class_accuracy", "class_shares", "elbo", "notes",
    }  # fmt: skip
    assert document["model_id"] == model.model_id
    assert document["data"]["train"] == 80
    assert document["data"]["compared"] == 40
    assert set(document["samples"]) == {"frechet_distance", "precision", "recall"}
    assert set(document["class_accuracy"]["per_class"]) == {"ant", "bee", "cat", "dog"}
    assert document["elbo"]["split"] == "test"
    assert "fid" not in json.dumps(document).lower()


def test_the_text_and_the_card_tell_the_same(model, capsys):
    card = model.path / "README.md"
    card.write_text("# tiny\n\n## Measured\n- One thing.\n\n## Limits\nNone.\n")
    for seed in ("0", "7"):
        assert main([*ARGUMENTS, "--card", "--seed", seed]) == 0
        text, told = capsys.readouterr().out, card.read_text()
        assert "read as their class" in text
        (distance,) = [line.split("distance ")[1].split(",")[0]
                       for line in text.splitlines() if line.startswith("samples")]  # fmt: skip
        assert f"Frechet distance {distance}," in told
        assert f"seed {seed}," in told
        assert told.count(BEGIN) == 1
        assert told.index("One thing") < told.index(BEGIN) < told.index("## Limits")
    assert "genviewer evaluate tiny --data data.npz -n 40`" in told
    assert str(model.path) not in told


def test_figures_find_their_place_on_a_card():
    figures = f"{BEGIN}\n- new\n{END}"
    old = f"# m\n\n## Measured\n- a\n{BEGIN}\n- old\n{END}\n\n## Limits\nb\n"
    assert with_figures(old, figures) == old.replace("old", "new")
    assert with_figures("# m\n", figures) == f"# m\n\n## Measured\n{figures}\n"
    assert with_figures("# m\n\n## Measured\n- a\n", figures).endswith(f"- a\n{figures}\n")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["evaluate", "./tiny"], 2, "--data"),
        (["evaluate", "./tiny", "--data", "none.npz"], 1, "none.npz"),
        (["evaluate", "nonesuch", "--data", "data.npz"], 1, "nonesuch"),
        ([*ARGUMENTS, "-n", "3"], 2, "-n"),
        ([*ARGUMENTS, "--classifier", "data.npz"], 1, "data.npz"),
        ([*ARGUMENTS, "--device", "abacus"], 1, "abacus"),
    ],
)
def test_what_cannot_be_measured_is_told_in_one_sentence(model, capsys, arguments, code, told):
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert told in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""


def test_an_interruption_ends_with_130_and_leaves_no_half_classifier(
    model, capsys, monkeypatch, own_user_folders
):
    def interrupted(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluate_features, "save_file", interrupted)
    assert main(ARGUMENTS) == 130
    assert capsys.readouterr().err.endswith("interrupted\n")
    assert not list(own_user_folders.rglob("*classif*/*"))


def test_stages_are_lines_or_bars(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    clock = iter(np.arange(0.0, 1000.0, 10.0))
    monkeypatch.setattr("genviewer.cli.progress.time.monotonic", lambda: next(clock))
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with stages() as report:
        for done in range(5):
            report("drawing", done, 4)
    lines = sys.stderr.getvalue().splitlines()
    assert lines == ["drawing", "drawing  2/4  0:20 left"]
    monkeypatch.undo()
    monkeypatch.setattr(sys, "stderr", Terminal())
    with stages() as report:
        report("drawing", 1, 4)
    assert "drawing" in sys.stderr.getvalue()
