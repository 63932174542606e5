import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from genviewer.core.latent import Latent
from genviewer.core.recipe import Recipe
from genviewer.core.spec import ImageSpec, LatentSpec, Spec, SynthesisSpec
from genviewer.core.synthesis import Mix, Transform
from genviewer.ui.widgets.prior_range import dim_label
from genviewer.ui.widgets.synthesis_rows import NO_MIX, OTHER, SEED, SynthesisRows
from tests.ui.widgets import hands

SIGNALS = ["space_chosen", "cutoff_edited", "noise_edited", "mix_edited", "transform_edited"]
PLAIN = Spec("plain", "vae", LatentSpec(3), ImageSpec(1, 8, 8))


def spec(transform=False, noise=True):
    return Spec(
        "styles",
        "gan",
        LatentSpec(3, "normal", ("z", "w")),
        ImageSpec(3, 8, 8),
        layers=8,
        noise=noise,
        synthesis=SynthesisSpec(w_dim=4, transform=transform),
    )


RECIPE = Recipe(Latent(np.zeros(3)))


@pytest.fixture
def rows(qtbot):
    rows = SynthesisRows()
    qtbot.addWidget(rows)
    rows.set_spec(spec(transform=True))
    rows.set_recipe(RECIPE)
    rows.resize(260, 420)
    rows.show()
    qtbot.waitExposed(rows)
    rows.got = []
    for name in SIGNALS:
        getattr(rows, name).connect(lambda *values, n=name: rows.got.append((n, *values)))
    return rows


def click(widget):
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def type_number(box, number):
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, str(number))
    QTest.keyClick(box, Qt.Key.Key_Return)


def test_rows_are_there_where_the_spec_says_so(rows):
    rows.set_spec(PLAIN)
    assert rows.isHidden()
    rows.set_spec(None)
    assert rows.isHidden()
    rows.set_spec(spec(transform=False))
    assert rows.space.isVisible()
    assert rows.noise.isVisible()
    assert not rows.turn.isVisible()
    rows.set_spec(spec(transform=True, noise=False))
    assert rows.turn.isVisible()
    assert not rows.noise.isVisible()


def test_showing_a_recipe_says_nothing(rows):
    mix = Mix(Latent(np.ones(3)), 2, 5)
    rows.set_recipe(
        Recipe(
            Latent(np.zeros(4), "w"),
            truncation_cutoff=3,
            noise=77,
            noise_strength=0.5,
            mix=mix,
            transform=Transform(0.2, -0.1, 45.0),
        )
    )
    assert rows.got == []
    assert rows.space.current == "w"
    assert rows.cutoff.value() == 3
    assert rows.noise.current == "seed"
    assert rows.noise_seed.value() == 77
    assert rows.strength.value == 0.5
    assert rows.source.currentData() == OTHER
    assert (rows.first.value(), rows.last.value()) == (2, 5)
    assert (rows.shift_x.value, rows.shift_y.value, rows.turn.value) == (0.2, -0.1, 45.0)
    rows.set_recipe(RECIPE)
    assert rows.got == []
    assert rows.source.currentData() == NO_MIX
    assert rows.source.findData(OTHER) < 0
    assert not rows.first.isVisible()


def test_the_space_is_switched(rows):
    click(rows.space.button("w"))
    assert rows.got == [("space_chosen", "w")]
    click(rows.space.button("w"))
    assert len(rows.got) == 1


def test_the_cutoff_is_all_layers_or_a_number(rows):
    type_number(rows.cutoff, 3)
    assert rows.got == [("cutoff_edited", 3)]
    type_number(rows.cutoff, 8)
    assert rows.got[-1] == ("cutoff_edited", None)


def test_noise_is_fixed_none_or_seeded_with_a_strength(rows):
    click(rows.noise.button("none"))
    assert rows.got == [("noise_edited", "none", 1.0, "")]
    click(rows.noise.button("seed"))
    assert rows.got[-1] == ("noise_edited", 0, 1.0, "")
    rows.set_recipe(Recipe(RECIPE.latent, noise=0))
    type_number(rows.noise_seed, 41)
    assert rows.got[-1] == ("noise_edited", 41, 1.0, "")
    track = rows.strength.track
    hands.drag(track, [QPoint(round(track._x(f)), 12) for f in (0.5, 0.3, 0.1)])
    strengths = [value[2] for value in rows.got[3:]]
    assert strengths == sorted(strengths, reverse=True)
    assert strengths[-1] < 0.5
    keys = {value[3] for value in rows.got[3:]}
    assert len(keys) == 1
    assert keys != {""}


def test_a_second_latent_is_chosen_with_its_layers(rows):
    rows.set_pins([(4, "a pin"), (9, "another")])
    rows.source.setFocus()
    QTest.keyClick(rows.source, Qt.Key.Key_Down)
    assert rows.got == [("mix_edited", SEED, 0, 4, 7)]
    rows.set_recipe(Recipe(RECIPE.latent, mix=Mix(Latent(np.ones(3)), 4, 7)), SEED)
    assert rows.mix_seed.isVisible()
    type_number(rows.mix_seed, 12)
    assert rows.got[-1] == ("mix_edited", SEED, 12, 4, 7)
    type_number(rows.first, 2)
    assert rows.got[-1] == ("mix_edited", SEED, 12, 2, 7)
    type_number(rows.last, 1)
    assert rows.got[-1] == ("mix_edited", SEED, 12, 1, 2)  # first to last, whichever is typed
    QTest.keyClick(rows.source, Qt.Key.Key_End)
    assert rows.got[-1][:2] == ("mix_edited", 9)


def test_the_content_is_shifted_and_turned(rows):
    track = rows.turn.track
    hands.drag(track, [QPoint(round(track._x(f)), 12) for f in (0.5, 0.6, 0.75)])
    name, placed, key = rows.got[-1]
    assert name == "transform_edited"
    assert 60.0 < placed.angle < 120.0
    assert (placed.x, placed.y) == (0.0, 0.0)
    assert {value[2] for value in rows.got} == {key}


def test_rows_fit_the_panel_that_they_are_in(rows):
    assert rows.minimumSizeHint().width() <= 224


def test_dimensions_are_called_after_their_space():
    z = spec().latent
    assert dim_label(7) == dim_label(7, z) == "z7"
    assert dim_label(7, spec().of_space("w").latent) == "w7"
    assert dim_label(7, LatentSpec(9, "none")) == "z7"
