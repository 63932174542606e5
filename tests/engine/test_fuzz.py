"""Random edits and faults: nothing escapes, and the last picture is that of the last Scene."""

from __future__ import annotations

import gc
import random
import time
import tracemalloc

import numpy as np
import pytest

from genviewer.core.condition import Condition, blend, one_class
from genviewer.core.frame import Frame
from genviewer.core.latent import Latent
from genviewer.core.recipe import Recipe, seeded_recipe
from genviewer.core.scene import (
    VIEW_NAMES,
    ClassesOptions,
    GridOptions,
    MapOptions,
    Pane,
    Scene,
    TraverseOptions,
)
from genviewer.core.views import ViewInputs
from genviewer.engine.cells import decode_recipe, render_sheet
from genviewer.engine.generator import DecodeError
from tests.engine.linear import LinearGenerator, make_spec
from tests.engine.screen import Screen


class Faulty(LinearGenerator):
    """Raises, or returns NaN, every now and then."""

    faults = random.Random(0)
    share = 0.0

    def decode(self, z, y):
        roll = self.faults.random()
        self.fail = DecodeError("It broke.") if roll < self.share else None
        self.nan = self.share <= roll < 2 * self.share
        return super().decode(z, y)


class Hand:
    """Makes one random edit after another."""

    def __init__(self, seed: int, generators: list[LinearGenerator]) -> None:
        self.random = random.Random(seed)
        self.generators = {generator.ref: generator for generator in generators}
        self.scenes = [Scene((self._pane(generators[0]),))]
        self.inputs = ViewInputs()

    @property
    def scene(self) -> Scene:
        return self.scenes[-1]

    @property
    def generator(self) -> LinearGenerator:
        return self.generators[self.scene.model]

    def edit(self) -> None:
        """Another Scene or other inputs, by one thing that a person could do."""
        names = ["latent"] * 8 + ["recipe", "condition", "truncation", "view", "options"] * 2
        getattr(self, "_" + self.random.choice([*names, "model", "undo", "measured"]))()
        del self.scenes[:-30]

    def _pane(self, generator) -> Pane:
        return Pane(generator.ref, seeded_recipe(generator.spec, self.random.randrange(99)))

    def _put(self, **changes) -> None:
        recipe = self.scene.recipe
        values = {"latent": recipe.latent, "condition": recipe.condition}
        values["truncation"] = recipe.truncation
        self.scenes.append(self.scene.with_recipe(Recipe(**(values | changes))))

    def _latent(self) -> None:
        latent = self.scene.recipe.latent
        dim = self.random.randrange(latent.dim)
        self._put(latent=latent.with_value(dim, round(self.random.gauss(0, 1), 2)))

    def _recipe(self) -> None:
        self._put(latent=Latent(self._pane(self.generator).recipe.latent.array))

    def _condition(self) -> None:
        classes = self.generator.spec.class_condition
        if classes is None:
            return
        chosen = {self.random.randrange(classes.size): self.random.random() + 0.1 for _ in "ab"}
        part = blend("class", chosen) if self.random.random() < 0.5 else one_class("class", 1)
        self._put(condition=Condition((part,) if self.random.random() < 0.9 else ()))

    def _truncation(self) -> None:
        self._put(truncation=self.random.choice([0.0, 0.5, 0.7, 1.0]))

    def _view(self) -> None:
        self.scenes.append(self.scene.with_view(self.random.choice(VIEW_NAMES)))

    def _options(self) -> None:
        choose, real = self.random.randint, self.random.uniform
        axes = (choose(0, 9), choose(0, 9))
        options = self.random.choice(
            [
                GridOptions(
                    self.random.choice(["near", "seeds"]), choose(1, 90), real(0, 1), choose(0, 9)
                ),
                ClassesOptions(choose(1, 9), choose(1, 9), choose(0, 9), choose(0, 3)),
                TraverseOptions(
                    choose(1, 9),
                    choose(2, 9),
                    choose(0, 9),
                    real(0.1, 0.99),
                    self.random.choice(["index", "kl", "effect"]),
                ),
                MapOptions(
                    self.random.choice([None, axes]),
                    (real(-2, 2), real(-2, 2)),
                    real(0.1, 4),
                    choose(2, 9),
                ),
            ]
        )
        self.scenes.append(self.scene.with_options(options))

    def _model(self) -> None:
        generator = self.random.choice(list(self.generators.values()))
        self.scenes.append(self.scene.with_pane(self._pane(generator)))

    def _undo(self) -> None:
        if len(self.scenes) > 1:
            self.scenes.pop()

    def _measured(self) -> None:
        rng = np.random.default_rng(self.random.randrange(9))
        dim = self.random.choice([4, 7])
        self.inputs = ViewInputs(
            effect_order=rng.permutation(dim),
            kl_order=rng.permutation(dim),
            plane=rng.standard_normal((2, dim)).astype(np.float32),
            view_aspect=self.random.choice([0.7, 1.0, 1.6]),
        )


def play(edits: int, seed: int, after=lambda done: None) -> None:
    generators = [Faulty(seed=1), Faulty(make_spec(7, 5, 3, 0, (-1.0, 1.0)), "other", 2)]
    for generator in generators:
        generator.faults = random.Random(seed)
    hand = Hand(seed, generators)
    screen = Screen()
    for generator in generators:
        screen.thread.use(generator.ref, generator)
    screen.thread.start()
    try:
        for done in range(edits):
            hand.edit()
            faulty = (done // 100) % 2 == 1
            for generator in generators:
                generator.share = 0.05 if faulty else 0.0
            screen.request(hand.scene, hand.inputs, want_sheet=hand.random.random() < 0.9)
            if hand.random.random() < 0.5:
                time.sleep(hand.random.random() * 0.002)
            if hand.random.random() < 0.3:
                screen.collect()
            if done % 25 == 24:
                for generator in generators:
                    generator.share = 0.0
                check(screen, hand)
                after(done)
    finally:
        screen.thread.stop()
    assert screen.thread.counters.failures > 0


def check(screen: Screen, hand: Hand) -> None:
    """The screen shows what a fresh render of the last Scene gives."""
    screen.request(hand.scene, hand.inputs)
    screen.settle()
    scene, generator = hand.scene, hand.generator
    assert isinstance(screen.focus, Frame), screen.focus
    assert screen.focus.recipe == scene.recipe
    assert (screen.focus.pixels == decode_recipe(generator, scene.recipe)).all()
    if scene.view == "focus":
        return
    fresh = render_sheet(scene, generator, hand.inputs)
    assert screen.update.complete
    assert screen.update.failure is None
    shown, wanted = screen.update.sheet, fresh.sheet
    assert (shown.rows, shown.columns, shown.row_labels, shown.column_labels) == (
        wanted.rows,
        wanted.columns,
        wanted.row_labels,
        wanted.column_labels,
    )
    assert (shown.focus_cell, shown.map_frame) == (wanted.focus_cell, wanted.map_frame)
    assert (screen.mosaic[fresh.filled] == fresh.pixels[fresh.filled]).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_a_thousand_random_edits(seed):
    play(500, seed)


@pytest.mark.soak
def test_ten_thousand_random_edits_take_no_more_memory():
    tracemalloc.start()
    try:
        held: list[int] = []

        def weigh(done: int) -> None:
            if done % 1000 == 999:
                gc.collect()
                held.append(tracemalloc.get_traced_memory()[0])

        play(10_000, 3, weigh)
    finally:
        tracemalloc.stop()
    # The first thousands fill the bounded caches.
    assert max(held[5:]) < 1.1 * max(held[2:5]), held
