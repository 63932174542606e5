"""Folders of runs from elsewhere: what they say is bounded, and nothing outside of them changes."""

import errno
import shutil
import zipfile

import pytest
import torch

from genviewer.engine import train_bundle
from genviewer.engine.run_timeline import keep
from genviewer.engine.train_config import TrainingError, read_config
from genviewer.engine.train_run import MetricsFile, RunFolder
from genviewer.engine.training import make_state
from genviewer.engine.training_run import TrainingRun
from tests.tiny_runs import config_of


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The folder of a run that has not begun, and its configuration."""
    monkeypatch.setattr(train_bundle, "MAX_ACCELERATOR_PARAMETERS", 0)
    config = config_of(tmp_path)
    TrainingRun.start(config, tmp_path / "run")
    return tmp_path / "run", config


@pytest.mark.parametrize(
    "name", ["checkpoints", "timeline", "bundle", "kept", "tensorboard", ".lock"]
)
def test_a_run_that_leads_out_of_its_folder_is_not_resumed(tmp_path, run, name):
    folder, _ = run
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "config.json").write_text("mine")
    if (folder / name).is_dir():
        (folder / name).rmdir()
    (folder / name).symlink_to(mine)
    with pytest.raises(TrainingError, match=f"{name} is a link"):
        TrainingRun.resume(folder)
    assert [path.read_text() for path in mine.iterdir()] == ["mine"]


def test_a_checkpoint_that_unpacks_to_too_much_is_not_read(run, monkeypatch):
    folder, config = run
    state = make_state(config)
    path = RunFolder(folder).save(state, 0)
    assert RunFolder(folder).restore(make_state(config)) == 0
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/999", bytes(64 << 20))
    assert path.stat().st_size < 1 << 20
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was read"))
    with pytest.raises(TrainingError, match="far more than this network needs"):
        RunFolder(folder).restore(state)


@pytest.mark.parametrize("step", [-1, "9", 1.5, None])
def test_a_checkpoint_of_no_step_is_told(run, step):
    folder, config = run
    torch.save(make_state(config).state_dict() | {"step": step}, folder / "checkpoints/step-1.pt")
    with pytest.raises(TrainingError, match="is no step"):
        RunFolder(folder).restore(make_state(config))


@pytest.mark.parametrize("content", [b"", b"no checkpoint", None])
def test_a_damaged_checkpoint_is_put_aside_for_an_older_one(run, content):
    folder, config = run
    checkpoints, state = RunFolder(folder), make_state(config)
    for state.step in (3, 5):
        path = checkpoints.save(state, 0)
    whole = path.read_bytes()
    path.write_bytes(whole[:-300] if content is None else content)
    damaged, again = [], make_state(config)
    assert checkpoints.restore(again, damaged) == 0
    assert (again.step, damaged) == (3, ["step-0000005.pt"])
    assert [step for step, _ in checkpoints.checkpoints()] == [3]
    aside = path.with_name("step-0000005.pt.damaged")
    assert aside.read_bytes() == (whole[:-300] if content is None else content)


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(errno.EACCES, "Permission denied"),
        OSError(errno.EIO, "Input/output error"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 9 bytes."),
    ],
)
def test_what_the_system_does_not_let_be_read_is_not_passed_over(run, monkeypatch, error):
    folder, config = run
    checkpoints, state = RunFolder(folder), make_state(config)
    for state.step in (3, 5):
        checkpoints.save(state, 0)

    def load(path, **_):
        raise error

    monkeypatch.setattr(torch, "load", load)
    with pytest.raises(TrainingError, match=r"step-0000005\.pt cannot be resumed"):
        checkpoints.restore(state)
    assert [step for step, _ in checkpoints.checkpoints()] == [3, 5]


def test_where_no_checkpoint_can_be_read_that_is_told_of_the_newest(run):
    folder, config = run
    checkpoints, state = RunFolder(folder), make_state(config)
    for state.step in (3, 5):
        checkpoints.save(state, 0).write_bytes(b"no checkpoint")
    with pytest.raises(TrainingError, match=r"step-0000005\.pt cannot be resumed"):
        checkpoints.restore(state)
    assert [step for step, _ in checkpoints.checkpoints()] == [3, 5]


def test_weights_are_kept_also_where_their_run_is_gone(run, tmp_path):
    folder, config = run
    snapshot = TrainingRun.resume(folder).snapshot()
    shutil.rmtree(folder)
    with pytest.raises(TrainingError, match="holds no run"):
        keep(folder, snapshot, tmp_path / "none")
    assert not (tmp_path / "none").exists()
    kept = keep(folder, snapshot, tmp_path / "mine", config)
    assert kept.ref == snapshot.ref
    assert read_config(kept.path / "train.toml") == config
    assert not folder.exists()


def test_a_configuration_is_bounded(tmp_path):
    path = tmp_path / "train.toml"
    path.write_text("#" * (5 << 20))
    with pytest.raises(TrainingError, match="far too large"):
        read_config(path)
    path.write_text("name = " + "[" * 100_000)
    with pytest.raises(TrainingError, match=r"nested too deeply|not a usable"):
        read_config(path)


def test_metrics_of_no_steps_are_left_out_and_damaged_ones_told(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("step,loss\n²,1\n" + "9" * 5000 + ",1\n3,1\n", encoding="utf-8")
    MetricsFile(path, 10)
    assert path.read_text().split() == ["step,loss", "3,1"]
    path.write_text('step,loss\n1,"' + "9" * 200_000 + '"\n')
    with pytest.raises(TrainingError, match="is damaged"):
        MetricsFile(path, 10)
