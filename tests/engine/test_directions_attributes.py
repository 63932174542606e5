"""Directions of what can be measured of pictures, on pictures and a model made for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

import genviewer.engine.directions_attributes as module
import genviewer.engine.directions_images as images_module
from genviewer.engine.bayes import believe
from genviewer.engine.density import open_density
from genviewer.engine.directions_attributes import found_in_attributes, measured_attributes
from genviewer.engine.directions_images import conditions_of_images, found_in_images
from genviewer.engine.generator import LoadError
from genviewer.engine.jobs import Cancelled, Job, Progress
from genviewer.io.datasets import Images
from tests.tiny_models import write_tiny_vae

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 21


def bar(*, x: float = 0.0, slant: float = 0.0, half: int = 6, value: float = 1.0) -> np.ndarray:
    """An upright bar, (1, SIDE, SIDE): its place, slant, half its height and how bright it is."""
    image = np.zeros((1, SIDE, SIDE), np.float32)
    for y in range(-half, half + 1):
        column = round(SIDE // 2 + x - slant * y)
        image[0, SIDE // 2 + y, column - 1 : column + 2] = value
    return image


def test_attributes_say_what_one_sees():
    plain, right, slanted, tall, pale = (
        bar(), bar(x=4), bar(slant=0.5), bar(half=9), bar(value=0.4)
    )  # fmt: skip
    found = measured_attributes(np.stack([plain, right, slanted, tall, pale]))
    assert found["to the right"][1] > found["to the right"][0] + 0.3
    assert found["to the right"][[0, 2, 3]] == pytest.approx(0.0, abs=0.05)
    assert found["slant"][2] == pytest.approx(0.5, abs=0.1)  # / leans to the right
    assert found["slant"][[0, 1, 3]] == pytest.approx(0.0, abs=0.02)
    assert found["height"].argmax() == 3
    assert found["width"].argmax() == 2
    assert found["brightness"].argmin() == 4
    assert "red" not in found
    coloured = np.zeros((1, 3, 5, 5), np.float32)
    coloured[:, 0] = 1.0
    assert measured_attributes(coloured)["red"][0] == pytest.approx(2.0 / 3.0)


class Lamp(nn.Module):
    """Brightness by the first two latents, and a class that is brighter by far."""

    def decode(self, z: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        assert y is not None
        light = 0.4 + 0.05 * (z[:, 0] - 2.0 * z[:, 1]) + 0.2 * y[:, 1]
        return light[:, None, None, None].expand(-1, 1, 8, 8)


def test_latents_are_regressed_on_attributes_without_what_classes_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    bundle = write_tiny_vae(tmp_path / "tiny", channels=1)
    monkeypatch.setattr(module, "load_network", lambda _: Lamp())
    shares: list[float] = []
    found = found_in_attributes(bundle, points=400, progress=shares.append)
    assert found.names == ("brightness",)
    assert found.method == "attribute"
    exact = np.array([1.0, -2.0, 0.0, 0.0, 0.0, 0.0]) / np.sqrt(5.0)
    np.testing.assert_allclose(found.vectors[0], exact, atol=0.02)
    assert found.explained[0] > 0.98
    assert found.deviations[0] == pytest.approx(1.0, abs=0.1)
    assert shares[-1] == 1.0


def test_a_model_whose_pictures_stay_the_same_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    bundle = write_tiny_vae(tmp_path / "tiny", channels=1)

    class Same(nn.Module):
        def decode(self, z: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
            return torch.full((len(z), 1, 8, 8), 0.5)

    monkeypatch.setattr(module, "load_network", lambda _: Same())
    with pytest.raises(LoadError, match="Nothing that can be measured"):
        found_in_attributes(bundle, points=100)


def test_chance_is_not_taken_for_directions(tmp_path: Path):
    bundle = write_tiny_vae(tmp_path / "tiny")
    with pytest.raises(LoadError, match="11 samples are too few"):
        found_in_attributes(bundle, points=11)  # of 6 dimensions a line through nearly all


def test_images_are_encoded_as_their_classes_or_as_what_the_model_takes_them_for(tmp_path: Path):
    bundle = write_tiny_vae(tmp_path / "tiny", channels=1)
    images = np.random.default_rng(0).random((3, 1, 8, 8), np.float32)
    y, how = conditions_of_images(bundle, images, np.array([1, 0, 1]))
    assert y is not None
    assert (y.argmax(1).tolist(), how) == ([1, 0, 1], "known")
    y, how = conditions_of_images(bundle, images, None)
    assert y is not None
    assert (y.max(), how) == (0.0, "empty")
    needs = write_tiny_vae(tmp_path / "needs", channels=1, optional=False)
    y, how = conditions_of_images(needs, images, None)
    assert y is not None
    best = believe(open_density(needs, "cpu"), images, np.eye(4, dtype=np.float32), samples=1).best
    assert (y.argmax(1).tolist(), how) == (best.tolist(), "believed")


def test_directions_are_of_images_as_the_classes_that_their_names_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    bundle = write_tiny_vae(tmp_path / "tiny", channels=1)
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 1), np.uint8)
    data = Images("d", pixels, np.array([1, 0, 1, 0, 0, 1]), ("cat", "ant"))
    monkeypatch.setattr(images_module, "load_images", lambda *_, **__: (data, None))
    told: list[np.ndarray] = []

    def found_in_data(bundle, x, y, *_rest, progress):
        told.append(y)

    monkeypatch.setattr(images_module, "found_in_data", found_in_data)
    found_in_images(bundle, "d", "class")
    assert told[0].argmax(1).tolist() == [0, 2, 0, 2, 2, 0]


def test_directions_between_classes_of_a_file(tmp_path: Path):
    bundle = write_tiny_vae(tmp_path / "tiny", channels=1)
    image = bundle.spec.image
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (100, image.height, image.width), np.uint8)
    np.savez(tmp_path / "data.npz", images=pixels, labels=np.arange(100) % 3)
    found = found_in_images(bundle, str(tmp_path / "data.npz"), "class")
    assert found.names == ("0", "1", "2")
    assert found.dim == bundle.spec.latent.dim
    job = Job("directions", None)
    progress = Progress(job, lambda fraction, _text: job.cancel() if fraction > 0.4 else None)
    with pytest.raises(Cancelled):
        found_in_images(bundle, str(tmp_path / "data.npz"), "pca", progress=progress)
