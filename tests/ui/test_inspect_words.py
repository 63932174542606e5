"""What is said about an answer, and the columns of the explaining picture."""

import math

import msgspec
import numpy as np
import pytest

from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec
from genviewer.engine.bayes import concluded
from genviewer.engine.bayes_reference import Reference
from genviewer.engine.image_beliefs import Answer, Question
from genviewer.ui import explain_window as explain
from genviewer.ui import inspect_words as words
from genviewer.ui.data_shows import no_density
from genviewer.ui.widgets.explain_picture import nats

PIXELS = np.zeros((4, 4, 1), np.uint8)
USUAL = Reference(np.linspace(-20.0, -10.0, 101), "test digits")


def spec(**changes) -> Spec:
    values = {
        "name": "few",
        "family": "vae",
        "latent": LatentSpec(2),
        "image": ImageSpec(1, 4, 4),
        "conditions": (ConditionSpec("class", "class", 3, ("ant", "bee", "cat")),),
        "encoder": True,
        "density": True,
    }
    return Spec(**{**values, **changes})


def answer(log_pxy, prior=(1 / 3, 1 / 3, 1 / 3), usual=-12.0) -> Answer:
    rows = np.array([log_pxy], np.float64)
    sums = (rows, np.full_like(rows, 0.1), rows - 1.0, np.full_like(rows, 2.0))
    beliefs = concluded(sums, np.array(prior), 16, 16, "bernoulli")
    return Answer(Question(PIXELS), beliefs.likelihoods, beliefs, usual, done=True)


def test_the_figures_are_the_answers_own():
    found = answer([-10.0, -12.0, -30.0])
    figures = {figure.name: figure.value for figure in words.figures_of(found, USUAL, spec())}
    expected = np.logaddexp(-10.0, -12.0) - math.log(3.0)
    assert figures["log p(x)"].startswith(f"\N{MINUS SIGN}{-expected:.2f} ±")
    assert figures["by log p(x)"] == "more likely than 79.7 %"
    reconstruction, kl = (
        float(getattr(found.likelihoods, name)[0]) for name in ("reconstruction", "kl")
    )
    assert f"{reconstruction - kl:.1f}".replace("-", words.MINUS) in figures["ELBO"]
    assert "binary pixels" in figures["bits/dim"]
    waiting = words.figures_of(found, None, spec())
    values = {f.name: f.value for f in waiting}
    assert values["by log p(x)"] == values["for outline"] == "measuring…"
    failed = words.figures_of(found, None, spec(), why_unknown="usual.npz is not there.")
    rows = [f for f in failed if f.name in ("by log p(x)", "for outline")]
    assert [row.value for row in rows] == ["not known"] * 2
    assert all("usual.npz is not there." in row.tip for row in rows)


@pytest.mark.parametrize(
    ("log_pxy", "said"),
    [([-10.0, -40.0, -30.0], "Taken for ant"), ([-10.0, -10.1, -10.2], "Undecided")],
)
def test_the_verdict_names_a_class_only_when_there_is_one(log_pxy, said):
    text, alarming = words.verdict(answer(log_pxy), USUAL, 0.01, spec())
    assert text.startswith(said)
    assert "1.10" in text  # log 3
    assert not alarming


def test_an_outlier_is_rejected_whatever_class_it_is_most_like():
    text, alarming = words.verdict(answer([-10.0, -40.0, -30.0], usual=-25.0), USUAL, 0.01, spec())
    assert alarming
    assert "nothing I know" in text
    assert not words.verdict(answer([-10.0, -40.0, -30.0], usual=math.nan), USUAL, 0.01, spec())[1]


def test_an_image_may_be_likely_and_yet_rejected_for_its_outline():
    """The line says -10 nats for no outline, and one less per px."""
    outlines = np.linspace(10.0, 0.0, 101)
    noise = np.random.default_rng(0).normal(0.0, 0.5, 101)
    usual = Reference(-10.0 - outlines + noise, "test digits", outlines)
    empty = answer([-10.0, -40.0, -30.0], usual=-13.0)  # of no outline at all
    figures = {f.name: f for f in words.figures_of(empty, usual, spec())}
    assert figures["by log p(x)"].value == "as likely as is usual" or figures[
        "by log p(x)"
    ].value.startswith("more likely")
    assert figures["for outline"].value == "stranger than all 101"
    assert words.verdict(empty, usual, 0.01, spec())[1]
    assert "for as much outline" in explain.conditional_text(spec(), empty, usual)


def test_what_a_model_cannot_answer_is_said():
    gan = spec(family="gan", encoder=False, density=False, discriminator=True)
    assert "cannot say how likely" in words.density_note(gan)
    assert "no density" in words.classes_note(gan)
    assert "no classes" in words.classes_note(spec(conditions=()))
    assert words.density_note(spec()) == words.classes_note(spec()) == ""
    text = explain.what_exists(gan, Answer(Question(PIXELS), score=(-0.5, 40.0)))
    assert "cannot say how likely" in text
    assert f"{words.MINUS}0.50" in text
    assert "40 %" in text


@pytest.mark.parametrize("names", [("looks",), ("class", "looks")])
def test_a_model_that_is_told_more_than_a_class_says_why_p_x_is_not_known(names):
    kinds = {"class": "class", "looks": "attributes"}
    told = spec(conditions=tuple(ConditionSpec(name, kinds[name], 3) for name in names))
    assert f"told {' and '.join(names)}" in words.density_note(told)
    assert words.classes_note(told) != ""
    assert "looks" in explain.what_exists(told, None)
    assert "looks" in no_density(told)
    free = tuple(msgspec.structs.replace(one, optional=True) for one in told.conditions)
    assert (words.density_note(spec(conditions=free)) == "") == ("class" in names)


def test_every_column_of_the_picture_computes_the_posterior():
    found = answer([-10.0, -12.0, -30.0], prior=(0.5, 0.5, 0.0))
    columns, log_px, left_out = explain.columns_of(spec(), found)
    assert left_out == 0
    assert [column.name for column in columns] == ["ant", "bee", "cat"]
    for column in columns[:2]:
        assert math.exp(column.log_pxy + column.log_prior - log_px) == pytest.approx(
            column.posterior
        )
    assert columns[2].log_prior == -math.inf
    assert columns[2].posterior == 0.0
    total = np.logaddexp.reduce([c.log_pxy + c.log_prior for c in columns])
    assert total == pytest.approx(log_px)
    assert nats(-math.inf) == f"{words.MINUS}∞"


def test_nothing_is_not_negative():
    assert nats(-0.04) == "0.0"
    assert nats(-0.06) == f"{words.MINUS}0.1"


def test_of_many_classes_the_ten_that_matter_are_columns_in_their_order():
    names = tuple(f"c{k}" for k in range(30))
    many = spec(conditions=(ConditionSpec("class", "class", 30, names),))
    log_pxy = -50.0 + np.arange(30.0)[::-1]
    found = answer(log_pxy, prior=np.full(30, 1 / 30))
    columns, _, left_out = explain.columns_of(many, found)
    assert [column.name for column in columns] == list(names[:10])
    assert left_out == 20


def test_the_formula_has_the_images_numbers_and_no_markup_of_a_models_name():
    found = answer([-10.0, -12.0, -30.0])
    text = explain.conditional_text(spec(), found, USUAL)
    log_px = float(found.likelihoods.log_px[0])
    assert f"{words.MINUS}10.00" in text
    assert f"{words.MINUS}{-log_px:.2f} nats" in text
    assert "test digits" in text
    assert "<i>evil" not in explain.conditional_lead(spec(name="<i>evil"))
