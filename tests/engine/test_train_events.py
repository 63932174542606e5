"""Event files of a run, read back by TensorBoard itself."""

import msgspec
import pytest

from genviewer.engine import train_bundle
from genviewer.engine.train_config import TrainingError
from genviewer.engine.training import train
from genviewer.engine.training_events import Stepped
from genviewer.engine.training_run import TrainingRun
from tests.tiny_runs import config_of


@pytest.mark.allow_log("WARNING")  # its reader tells that a run went back
def test_event_files_hold_what_was_logged_once(tmp_path, monkeypatch):
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.setattr(train_bundle, "MAX_ACCELERATOR_PARAMETERS", 0)
    config = msgspec.structs.replace(config_of(tmp_path, steps=6, every=2), tensorboard=True)
    first = TrainingRun.start(config, tmp_path / "run").events()
    for event in first:
        if isinstance(event, Stepped) and event.step == 5:
            break
    first.close()
    told = [e for e in TrainingRun.resume(tmp_path / "run").events() if isinstance(e, Stepped)]
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    elbo = events.Scalars("elbo")
    assert [event.step for event in elbo] == [1, 2, 3, 4, 5, 6]
    assert [event.value for event in elbo[-2:]] == pytest.approx([e.losses["elbo"] for e in told])


def test_without_the_extra_there_is_a_sentence_and_no_run(tmp_path, monkeypatch):
    monkeypatch.setattr("genviewer.engine.train_events.find_spec", lambda name: None)
    config_of(tmp_path, steps=6)
    path = tmp_path / "tiny.toml"
    path.write_text("tensorboard = true\n" + path.read_text())
    with pytest.raises(TrainingError, match=r"pip install 'genviewer\[tensorboard\]'"):
        train(path, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
