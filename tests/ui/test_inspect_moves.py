"""Going to where an image lies takes along all that the model was told, and nothing else."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from genviewer.core.condition import Condition, VectorPart, blend, one_class, pack
from genviewer.core.latent import Latent
from genviewer.core.recipe import ModelRef, Recipe
from genviewer.core.scene import Pane, Scene
from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec
from genviewer.engine.image_beliefs import Posterior
from genviewer.session.session import Session
from genviewer.session.state import State
from genviewer.ui.inspect_moves import InspectMoves, condition_of

SPEC = Spec(
    "faces", "vae", LatentSpec(2), ImageSpec(1, 8, 8),
    (
        ConditionSpec("age", "continuous", 1, None, True),
        ConditionSpec("class", "class", 3, ("ant", "bee", "cat")),
        ConditionSpec("hat", "class", 2, ("no", "yes"), True),
    ),
    encoder=True, density=True,
)  # fmt: skip
NOW = Condition((VectorPart("age", (0.7,)), one_class("class", 0), one_class("hat", 1)))


@pytest.fixture
def session():
    recipe = Recipe(Latent(np.zeros(2, np.float32)), NOW)
    return Session(State(Scene((Pane(ModelRef("faces", "m"), recipe),))))


def found(condition: Condition):
    row = pack(condition, SPEC)[None]
    return SimpleNamespace(latent=np.array([[1.0, -1.0]], np.float32), condition=row)


@pytest.mark.parametrize(
    "condition",
    [
        Condition((one_class("class", 2),)),
        Condition((one_class("class", 1), one_class("hat", 0))),
        Condition((VectorPart("age", (-0.5,)), one_class("class", 1))),
        Condition((blend("class", {0: 0.25, 2: 0.75}),)),
    ],
)
def test_an_inversion_brings_the_whole_condition_that_it_was_found_under(session, condition):
    assert condition_of(SPEC, pack(condition, SPEC)) == condition
    InspectMoves(session, lambda *_: None).invert(SPEC, found(condition))
    assert session.scene.recipe.condition == condition
    assert session.scene.recipe.latent.array.tolist() == [1.0, -1.0]


def test_encoding_brings_the_class_that_the_encoder_was_told_alone(session):
    posterior = Posterior(np.ones(2, np.float32), np.ones(2, np.float32), 2)
    InspectMoves(session, lambda *_: None).encode(SPEC, posterior)
    assert session.scene.recipe.condition == Condition((one_class("class", 2),))
