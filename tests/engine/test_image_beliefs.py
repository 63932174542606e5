"""What is known about one image agrees with what the measurements of many give."""

import dataclasses
import math

import msgspec
import numpy as np
import pytest

from genviewer.core.frame import Failure
from genviewer.core.prior import draws
from genviewer.engine.bayes import SAMPLES, believe, class_rows
from genviewer.engine.belief_thread import BeliefThread
from genviewer.engine.density import measure_likelihood, open_density
from genviewer.engine.discriminator_score import OWN_SAMPLES, TOGETHER
from genviewer.engine.encoding import encode, to_model_range
from genviewer.engine.generator import LoadError, load_generator
from genviewer.engine.image_beliefs import ImageBeliefs, Question, rounds, standing
from genviewer.engine.library import find_model
from genviewer.engine.live_generator import bundle_of
from genviewer.engine.run_timeline import make_snapshot
from tests.tiny_models import write_tiny_vae


@pytest.fixture(scope="module")
def digits():
    bundle = find_model("digits-cvae")
    return bundle, load_generator(bundle, "cpu")


def drawn(bundle, generator, label):
    """What the model draws of a class: an image that it should know."""
    y = class_rows(bundle.spec)[label : label + 1]
    return generator.decode_pixels(np.full((1, bundle.spec.latent.dim), 0.4, np.float32), y)[0]


def test_the_answers_close_in_on_what_the_measurement_of_many_images_gives(digits):
    bundle, generator = digits
    pixels = drawn(bundle, generator, 6)
    pixels.flags.writeable = False  # as what came from a file may be
    answers = list(ImageBeliefs(bundle, generator).answers(Question(pixels, samples=120)))
    x = to_model_range(pixels[None], bundle)
    rows = class_rows(bundle.spec)
    other = believe(open_density(bundle, "cpu"), x, rows, glance=4, samples=120, seed=9)
    last = answers[-1]
    gap = last.likelihoods.log_px[0] - other.likelihoods.log_px[0]
    assert abs(gap) < 4.0 * (last.likelihoods.stderr[0] + other.likelihoods.stderr[0])
    assert [a.likelihoods.samples for a in answers] == [1, 16, 64, 112, 120]
    assert [a.done for a in answers] == [False] * 4 + [True]
    assert math.isnan(answers[0].usual)
    assert math.isnan(answers[0].likeness[1])
    assert 0.0 < last.likeness[1] <= 1.0
    assert answers[1].usual == answers[1].likelihoods.log_px[0] == last.usual
    assert {a.posterior.best for a in answers} == {6}
    assert last.beliefs.posterior.sum() == pytest.approx(1.0)
    mean, logvar = encode(bundle, x, rows[6:7], "cpu")
    assert last.posterior.mean == pytest.approx(mean[0], abs=1e-5)
    assert last.posterior.deviation == pytest.approx(np.exp(logvar[0] / 2), abs=1e-5)
    assert np.abs(last.reconstruction.astype(int) - pixels).mean() < 8.0
    assert last.by_class.shape == (10, *pixels.shape)
    assert np.abs(last.by_class[6].astype(int) - last.reconstruction).max() <= 1


def test_the_prior_decides_where_the_image_does_not(digits):
    bundle, generator = digits
    pixels = drawn(bundle, generator, 6)
    prior = np.ones(10)
    prior[6] = 0.0
    mind = ImageBeliefs(bundle, generator)
    answer = next(mind.answers(Question(pixels, prior)))
    assert answer.beliefs.posterior[0, 6] == 0.0
    assert answer.posterior.best != 6
    with pytest.raises(ValueError, match="prior"):
        next(mind.answers(Question(pixels, -prior)))


def test_the_first_look_does_not_flicker(digits):
    """One pixel more or less moves the figures by what it weighs, not by fresh noise."""
    bundle, generator = digits
    pixels = drawn(bundle, generator, 3)
    touched = pixels.copy()
    touched[0, 0, 0] += 1
    mind = ImageBeliefs(bundle, generator)
    before, after = (next(mind.answers(Question(p))) for p in (pixels, touched))
    assert before.beliefs.log_pxy == pytest.approx(after.beliefs.log_pxy, abs=0.5)


def test_an_unconditional_model_has_a_density_and_no_classes(tmp_path):
    bundle = write_tiny_vae(tmp_path / "plain", classes=())
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    mind = ImageBeliefs(bundle, load_generator(bundle, "cpu"))
    *_, last = mind.answers(Question(pixels, samples=400))
    x = to_model_range(pixels[None], bundle)
    other = measure_likelihood(open_density(bundle, "cpu"), x, samples=400, seed=3)
    error = last.likelihoods.stderr[0] + other.stderr[0]
    assert abs(last.likelihoods.log_px[0] - other.log_px[0]) < 4.0 * error
    assert last.likelihoods.kl[0] == pytest.approx(other.kl[0], rel=1e-5)
    assert last.beliefs is None
    assert last.by_class is None
    assert last.posterior.best is None


def test_a_model_that_is_told_attributes_encodes_an_image_with_those_of_the_question(tmp_path):
    bundle = write_tiny_vae(tmp_path / "looks", optional=False, kind="attributes")
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    told = np.array([0.5, 0.0, 1.0, 0.2], np.float32)
    mind = ImageBeliefs(bundle, load_generator(bundle, "cpu"))
    [answer] = mind.answers(Question(pixels, condition=told))
    mean, _ = encode(bundle, to_model_range(pixels[None], bundle), told[None], "cpu")
    assert answer.posterior.mean == pytest.approx(mean[0], abs=1e-5)
    assert answer.done
    assert answer.likelihoods is answer.beliefs is None
    [without] = mind.answers(Question(pixels))
    assert np.abs(without.posterior.mean - mean[0]).max() > 1e-3


def test_a_gan_has_a_score_among_its_own_samples_and_no_density():
    bundle = find_model("digits-gan")
    generator = load_generator(bundle, "cpu")
    mind = ImageBeliefs(bundle, generator)
    samples = generator.decode_pixels(draws(bundle.spec.latent, 5, 12), None)
    found = [list(mind.answers(Question(sample)))[-1] for sample in samples]
    # Among others like them they are everywhere, from the lowest to the highest.
    assert 25.0 < np.mean([answer.score[1] for answer in found]) < 75.0
    noise = np.random.default_rng(0).integers(0, 256, (28, 28, 1)).astype(np.uint8)
    first, strange = mind.answers(Question(noise))
    assert math.isnan(first.score[1])
    assert first.score[0] == strange.score[0] < min(answer.score[0] for answer in found)
    assert strange.score[1] < 10.0
    assert strange.likelihoods is None
    assert strange.posterior is None


def test_a_newer_question_does_not_wait_for_the_scores_of_own_samples(monkeypatch):
    bundle = find_model("digits-gan")
    mind = ImageBeliefs(bundle, load_generator(bundle, "cpu"))
    asked, of = [], mind._score.of
    monkeypatch.setattr(mind._score, "of", lambda x: (asked.append(None), of(x))[1])
    question = Question(np.zeros((28, 28, 1), np.uint8))
    answers = mind.answers(question)
    for _ in range(4):
        assert not next(answers).done
    answers.close()
    assert len(asked) == 1 + 3 * TOGETHER
    *_, last = mind.answers(question)  # what was left goes on
    assert len(asked) == 1 + OWN_SAMPLES + 2
    assert last.done
    assert 0.0 <= last.score[1] <= 100.0


def other_weights(bundle, folder):
    """The same network with weights that are not on the disk, and what draws it."""
    rng = np.random.default_rng(0)
    weights = {
        name: value * rng.normal(1.0, 0.1, value.shape).astype(np.float32)
        if value.dtype == np.float32
        else value
        for name, value in bundle.tensors().items()
    }
    later = bundle_of(make_snapshot(3, bundle.config, weights), folder)
    return later, load_generator(later, "cpu", "torch")


@pytest.mark.parametrize("name", ["tiny", "digits-gan"])
def test_other_weights_of_the_network_answer_as_if_they_had_been_opened(name, tmp_path):
    bundle = write_tiny_vae(tmp_path / "tiny") if name == "tiny" else find_model(name)
    generator = load_generator(bundle, "cpu")
    spec, rng = bundle.spec, np.random.default_rng(1)
    shape = (spec.image.height, spec.image.width, spec.image.channels)
    question = Question(rng.integers(0, 256, shape).astype(np.uint8), samples=8)

    def known(mind):
        answer = list(mind.answers(question))[-1]
        assert answer.done
        return answer.score if answer.likelihoods is None else answer.likelihoods.log_px[0]

    mind = ImageBeliefs(bundle, generator)
    first = known(mind)
    later, draws_later = other_weights(bundle, tmp_path)
    assert mind.take_weights(later, draws_later)
    assert known(mind) == known(ImageBeliefs(later, draws_later)) != first
    if name == "tiny":
        return
    brief = list(mind.answers(dataclasses.replace(question, brief=True)))
    assert [answer.done for answer in brief] == [True]
    assert math.isnan(brief[0].score[1])
    assert not mind.take_weights(find_model("digits-vae"), generator)


def test_a_model_that_only_draws_says_so():
    bundle = find_model("digits-gan")
    spec = msgspec.structs.replace(bundle.spec, discriminator=False)
    config = msgspec.structs.replace(bundle.config, spec=spec)
    bare = msgspec.structs.replace(bundle, config=config)
    with pytest.raises(LoadError, match="only draws"):
        ImageBeliefs(bare, load_generator(bundle, "cpu"))


@pytest.mark.parametrize("samples", [1, 5, SAMPLES, 17, 500, 5000])
def test_rounds_add_up_and_begin_with_one_look(samples):
    sizes = list(rounds(samples))
    assert sum(sizes) == samples
    assert sizes[0] == 1
    assert samples < SAMPLES or sum(sizes[:2]) == SAMPLES


def test_the_standing_in_words():
    reference = np.arange(1000.0)
    assert standing(reference, -1.0) == "stranger than all 1,000"
    assert standing(reference, 1.5) == "stranger than 99.8 %"
    assert standing(reference, 500.5) == "as likely as is usual"
    assert standing(reference, 900.5) == "more likely than 90.1 %"


class Announced:
    """Collects what a thread answers."""

    def __init__(self):
        import threading

        self.heard = threading.Event()
        self.thread = BeliefThread(self.heard.set)

    def until(self, wanted):
        for _ in range(2000):
            assert self.heard.wait(30.0)
            self.heard.clear()
            answer = self.thread.take()
            if answer is not None and wanted(answer):
                return answer
        raise AssertionError("the answer never came")


def test_the_newest_question_wins_and_none_waits_in_a_queue(digits):
    bundle, generator = digits
    images = [drawn(bundle, generator, k % 10) for k in range(10)]
    asked = Announced()
    thread = asked.thread
    thread.start()
    try:
        for index in range(300):
            thread.ask(bundle, generator, Question(images[index % 10], samples=5000))
        last = Question(images[4], samples=20)
        thread.ask(bundle, generator, last)
        answer = asked.until(lambda a: a.question is last and a.done)
        assert answer.posterior.best == 4
        assert thread.answered < 300  # most questions were overwritten before anybody took them
    finally:
        thread.stop()
    assert thread.take() is None


def test_what_goes_wrong_comes_back_in_the_answers_place(digits):
    bundle, generator = digits
    asked = Announced()
    thread = asked.thread
    thread.start()
    try:
        thread.ask(bundle, generator, Question(np.zeros((9, 9, 1), np.uint8)))
        failure = asked.until(lambda a: True)
        assert isinstance(failure, Failure)
        assert "28" in failure.message
        thread.ask(bundle, generator, Question(drawn(bundle, generator, 2), samples=1))
        assert asked.until(lambda a: not isinstance(a, Failure)).posterior.best == 2
    finally:
        thread.stop()
