"""``--download``: large models and data sets of the Hub, asked for on the command line."""

from types import SimpleNamespace

import pytest

from genviewer.cli import main
from genviewer.io import hub_download


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    """What of a Hub with large repositories was fetched."""
    import huggingface_hub
    from huggingface_hub import constants

    def info(*_args, **_kwargs):
        files = [
            SimpleNamespace(rfilename=name, size=1_250_000_000)
            for name in ("model.safetensors", "images.zip")
        ]
        return SimpleNamespace(siblings=files, sha="c0ffee")

    api = SimpleNamespace(model_info=info, dataset_info=info)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: api)
    calls = []

    def fetch_files(wanted):
        calls.append(list(wanted.files))
        raise hub_download.FetchError(hub_download.Told(text="no more of it here"))

    monkeypatch.setattr(hub_download, "fetch_files", fetch_files)
    return calls


@pytest.mark.parametrize(
    ("arguments", "name", "file"),
    [
        (["info", "hf://owner/name"], "hf://owner/name", "model.safetensors"),
        (
            ["evaluate", "digits-vae", "--data", "hf-data://owner/name"],
            "hf-data://owner/name",
            "images.zip",
        ),
    ],
)
def test_a_large_download_is_refused_by_a_sentence_that_names_the_option(
    fetched, capsys, arguments, name, file
):
    assert main(arguments) == 1
    told = capsys.readouterr().err
    assert told == f"genviewer: {name} is 1.2 GB to download: --download allows it.\n"
    assert not fetched
    assert main([*arguments, "--download"]) == 1
    assert "no more of it here" in capsys.readouterr().err
    assert fetched == [[file]]


def test_the_window_is_left_to_ask(fetched, monkeypatch):
    targets = []
    monkeypatch.setattr("genviewer.cli._has_display", lambda: True)
    monkeypatch.setattr("genviewer.cli._run_window", lambda target: targets.append(target) or 0)
    assert main(["hf://owner/name"]) == 0
    assert (targets, fetched) == (["hf://owner/name"], [])
    assert main(["hf://owner/name@"]) == 1
    assert len(targets) == 1
