"""What images are compared with is remembered, and measured once."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from genviewer.engine.bayes_reference import (
    Reference,
    bundled_reference,
    keep_reference,
    own_samples,
)
from genviewer.engine.generator import load_generator
from genviewer.engine.jobs import Job, Progress
from genviewer.ui.models import Loaded
from genviewer.ui.references import BUNDLED, OWN, References
from tests.tiny_models import write_tiny_vae


class AtOnce:
    """A lane whose jobs are done when they are submitted."""

    def __init__(self):
        self.names = []

    def submit(self, work, name, *, done, failed, **_):
        self.names.append(name)
        try:
            result = work(Progress(Job(name, None), None))
        except Exception as error:
            failed(error)
        else:
            done(result)


class Waiting:
    """A lane whose jobs wait; a newer one of the same key cancels those before it."""

    def __init__(self):
        self.names, self._jobs = [], []

    def submit(self, work, name, *, done, cancelled, **_):
        self.names.append(name)
        self._jobs.append((work, done, cancelled))

    def cancel(self):
        [(_, _, cancelled)], self._jobs = self._jobs, []
        cancelled()

    def run(self):
        *given_up, (work, done, _) = self._jobs
        self._jobs = []
        for _, _, cancelled in given_up:
            cancelled()
        done(work(Progress(Job("", None), None)))


@pytest.fixture
def loaded(tmp_path) -> Loaded:
    bundle = write_tiny_vae(tmp_path / "tiny", channels=1)
    return Loaded(bundle, load_generator(bundle, "cpu"))


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr("genviewer.engine.bayes_reference.own_samples", lambda b: own_samples(b, 8))


def make(tmp_path, lane=None):
    known, told = [], []
    lane = AtOnce() if lane is None else lane
    references = References(
        lane, tmp_path / "references.json", lambda *a: known.append(a), lambda *a: told.append(a)
    )
    return references, lane, known, told


def test_own_samples_are_measured_once_where_nothing_else_is_known(loaded, tmp_path, few):
    references, lane, known, _ = make(tmp_path)
    assert references.current(loaded) == OWN
    assert references.known(loaded) is None
    references.want(loaded)
    references.want(loaded)
    assert len(lane.names) == 1
    assert known[0][0] == loaded.bundle.model_id
    assert len(references.known(loaded).log_px) == 8


def test_what_gave_way_to_another_model_and_is_asked_for_again_is_measured(loaded, tmp_path, few):
    other = write_tiny_vae(tmp_path / "other", channels=1, seed=1)
    other_loaded = Loaded(other, load_generator(other, "cpu"))
    references, lane, known, _ = make(tmp_path, Waiting())
    for one in (loaded, other_loaded, loaded, loaded):
        references.want(one)
    assert len(lane.names) == 3
    lane.run()
    assert [model_id for model_id, _ in known] == [loaded.bundle.model_id]
    assert references.known(loaded) is not None
    references.want(other_loaded)
    lane.run()
    assert references.known(other_loaded) is not None


def test_what_a_person_cancels_is_not_called_measuring_nor_begun_by_itself(loaded, tmp_path):
    references, lane, known, told = make(tmp_path, Waiting())
    references.want(loaded)
    lane.cancel()
    assert "cancelled" in references.why_unknown(loaded)
    assert known == [(loaded.bundle.model_id, None)]
    references.want(loaded)
    assert len(lane.names) == 1
    assert told == []  # whoever cancels knows it
    references.forget_failure(loaded)
    references.want(loaded)
    assert len(lane.names) == 2


def test_a_reference_in_the_models_folder_comes_first_and_costs_nothing(loaded, tmp_path):
    keep_reference(loaded.bundle, Reference(np.arange(50.0), "test digits"))
    references, lane, _, _ = make(tmp_path)
    assert references.current(loaded) == BUNDLED
    assert references.choices(loaded)[0] == (BUNDLED, "test digits")
    references.want(loaded)
    assert lane.names == []
    assert references.known(loaded).name == "test digits"


def test_one_of_another_model_or_a_damaged_one_does_not_count(loaded, tmp_path):
    path = keep_reference(loaded.bundle, Reference(np.arange(50.0), "x"))
    other = write_tiny_vae(tmp_path / "other", channels=1, seed=1)
    (other.path / path.name).write_bytes(path.read_bytes())
    assert bundled_reference(other) is None
    for damage in (b"", b"{}", path.read_bytes().replace(b"49.0", b"null"), b"[" * 100_000):
        path.write_bytes(damage)
        assert bundled_reference(loaded.bundle) is None


def test_the_choice_of_a_data_set_is_remembered(loaded, tmp_path):
    images = own_samples(loaded.bundle, 6)
    np.savez(tmp_path / "usual.npz", images=images, labels=np.arange(6) % 4)
    references, _, known, told = make(tmp_path)
    references.choose(loaded, str(tmp_path / "usual.npz"))
    references.want(loaded)
    assert known[0][1].name == "usual.npz"
    again, _, _, _ = make(tmp_path)
    assert again.current(loaded) == str(tmp_path / "usual.npz")
    assert ("usual.npz") in [text for _, text in again.choices(loaded)]
    (tmp_path / "usual.npz").unlink()
    again.want(loaded)
    assert told == []
    assert again.known(loaded) is None


def test_a_data_set_that_is_gone_is_told_of_once(loaded, tmp_path):
    references, lane, known, told = make(tmp_path)
    references.choose(loaded, str(tmp_path / "gone.npz"))
    references.want(loaded)
    references.want(loaded)
    assert len(told) == len(lane.names) == 1
    assert "gone.npz" in told[0][0]
    assert "gone.npz" in references.why_unknown(loaded)
    assert known == [(loaded.bundle.model_id, None)]  # whoever waits for it hears of it
    references.forget_failure(loaded)
    assert references.why_unknown(loaded) == ""
    references.want(loaded)
    assert len(told) == 2
    references.choose(loaded, OWN)
    assert references.why_unknown(loaded) == ""


def test_photos_of_different_sizes_can_be_compared_with(loaded, tmp_path):
    (tmp_path / "photos").mkdir()
    for number, size in enumerate([(30, 20), (16, 16), (20, 30)]):
        pixels = np.random.default_rng(number).integers(0, 256, size, np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{number}.png")
    references, _, known, told = make(tmp_path)
    references.choose(loaded, str(tmp_path / "photos"))
    references.want(loaded)
    assert told == []
    assert len(known[0][1].log_px) == 3


def test_a_damaged_file_of_choices_loses_only_them(loaded, tmp_path):
    (tmp_path / "references.json").write_bytes(b"[1, 2")
    references, _, _, _ = make(tmp_path)
    assert references.current(loaded) == OWN
