"""A small conditional Spec and a Session on it."""

from __future__ import annotations

import pytest

from genviewer.core.recipe import ModelRef, seeded_recipe
from genviewer.core.scene import Pane, Scene
from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec
from genviewer.session.session import Session
from genviewer.session.state import State

REF = ModelRef("digits", "id-1")


@pytest.fixture
def spec() -> Spec:
    digit = ConditionSpec("digit", "class", 3, ("zero", "one", "two"), optional=True)
    return Spec("digits", "vae", LatentSpec(4), ImageSpec(1, 8, 8), (digit,))


@pytest.fixture
def session(spec: Spec) -> Session:
    session = Session(State(Scene((Pane(REF, seeded_recipe(spec, 0)),))))
    session.specs[REF.id] = spec
    return session
