from itertools import pairwise

import numpy as np
import pytest

from genviewer.io.dataset_listing import TEST_SHAPES
from genviewer.io.dataset_shapes import FACTORS, SHAPE_NAMES, SIZE, draw_shapes, make_shapes
from genviewer.io.datasets import load_images

MIDDLE = [0.5] * 6


def drawn(**factors: float) -> np.ndarray:
    """One picture (64, 64, 3) as float, with these factors and the others in the middle."""
    row = [factors.get(name, value) for name, value in zip(FACTORS, MIDDLE, strict=True)]
    return draw_shapes(np.float32([row]))[0].astype(float)


def cover(image: np.ndarray) -> np.ndarray:
    """How much of each pixel the shape covers: everything else has the colour of the corner."""
    away = np.abs(image - image[0, 0]).sum(2)
    return away / away.max()


def centre(image: np.ndarray) -> np.ndarray:
    weight, axis = cover(image), np.arange(SIZE)
    return np.array([weight.sum(0) @ axis, weight.sum(1) @ axis]) / weight.sum()


def axes(image: np.ndarray) -> tuple[float, float]:
    """The direction of the longest axis in radians, and how much longer it is than the other."""
    y, x = np.mgrid[:SIZE, :SIZE]
    spread = np.cov(np.stack([x.ravel(), y.ravel()]), aweights=cover(image).ravel())
    values, vectors = np.linalg.eigh(spread)
    long = vectors[:, 1] * np.sign(vectors[0, 1])
    return float(np.arctan2(long[1], long[0])), float(np.sqrt(values[1] / values[0]))


def test_shapes_follow_from_the_seed():
    train, test = load_images("builtin:shapes", seed=3, count=300)
    assert train.images.shape == (300, SIZE, SIZE, 3)
    shapes = make_shapes(3, 300)
    np.testing.assert_array_equal(train.images, shapes.images)
    assert not np.array_equal(make_shapes(4, 300).images, shapes.images)
    assert test.images.shape == (TEST_SHAPES, SIZE, SIZE, 3)
    same = {image.tobytes() for image in train.images} & {image.tobytes() for image in test.images}
    assert not same


def test_the_factors_are_uniform_and_draw_the_pictures_again():
    shapes = make_shapes(0, 3000)
    assert set(shapes.factors[:, 0].tolist()) == {0.0, 0.5, 1.0}
    assert np.bincount((shapes.factors[:, 0] * 2).astype(int)).min() > 900
    assert shapes.factors.min() >= 0
    assert shapes.factors.max() <= 1
    assert np.abs(np.corrcoef(shapes.factors.T) - np.eye(6)).max() < 0.1
    np.testing.assert_allclose(shapes.factors[:, 1:].std(0), 1 / np.sqrt(12), atol=0.01)
    # One at a time or in one call, over the border of a chunk: the same picture.
    for index in (0, 255, 256, 700):
        again = draw_shapes(shapes.factors[index : index + 1])
        np.testing.assert_array_equal(again[0], shapes.images[index])


@pytest.mark.parametrize(("name", "axis", "reach"), [("x", 0, 0.27), ("y", 1, 0.22)])
def test_a_place_moves_the_shape_and_nothing_else(name, axis, reach):
    low, high = drawn(**{name: 0.0}), drawn(**{name: 1.0})
    moved = centre(high) - centre(low)
    assert moved[axis] == pytest.approx(reach * SIZE, abs=0.5)
    assert moved[1 - axis] == pytest.approx(0.0, abs=0.05)
    assert cover(high).sum() == pytest.approx(cover(low).sum(), rel=0.01)


def test_size_scales_every_shape_about_its_centre():
    for kind in (0.0, 0.5, 1.0):
        small, large = (drawn(shape=kind, size=value) for value in (0.0, 1.0))
        assert cover(large).sum() / cover(small).sum() == pytest.approx((0.62 / 0.33) ** 2, rel=0.1)
        np.testing.assert_allclose(centre(small), centre(large), atol=0.05)


def test_rotation_turns_the_long_axis_by_a_fifth_in_all():
    for kind in (0.0, 0.5, 1.0):
        for value, angle in ((0.0, -np.pi / 5), (0.5, 0.0), (0.75, np.pi / 10), (1.0, np.pi / 5)):
            direction, ratio = axes(drawn(shape=kind, rotation=value, size=1.0))
            assert abs(direction) == pytest.approx(abs(angle), abs=0.02)
            assert np.sign(direction) == np.sign(angle) or angle == 0.0
            assert ratio > 1.3


def test_shapes_differ_in_outline_and_the_bar_is_in_between():
    assert len(SHAPE_NAMES) == 3
    covers = [cover(drawn(shape=kind, size=1.0)) for kind in (0.0, 0.5, 1.0)]
    apart = [np.abs(a - b).sum() / covers[1].sum() for a, b in pairwise(covers)]
    assert min(apart) > 0.3
    assert np.abs(covers[0] - covers[2]).sum() / covers[1].sum() > max(apart)


@pytest.mark.parametrize("factor", ["size", "rotation", "x", "y", "colour"])
def test_a_change_of_the_shape_looks_like_no_other_change(factor):
    def change(name: str, low: float, high: float, **others: float) -> np.ndarray:
        """What a factor changes, seen blurred: a model learns that first."""
        moved = drawn(**{name: high}, **others) - drawn(**{name: low}, **others)
        return moved.reshape(16, 4, 16, 4, 3).mean((1, 3)).ravel()

    angles = []
    for size, rotation in ((0.3, 0.3), (0.5, 0.5), (0.7, 0.8)):
        others = {"size": size, "rotation": rotation, "colour": 0.2}
        shape = change("shape", 0.0, 1.0, **others)
        middle = others.pop(factor, 0.5)
        for kind in (0.0, 0.5, 1.0):
            other = change(factor, middle - 0.1, middle + 0.1, shape=kind, **others)
            angles.append(shape @ other / np.linalg.norm(shape) / np.linalg.norm(other))
    assert abs(np.mean(angles)) < 0.07


def test_colours_run_from_blue_over_red_to_green():
    colours = [drawn(colour=value)[SIZE // 2, SIZE // 2] for value in (0.0, 0.5, 1.0)]
    assert [int(np.argmax(colour)) for colour in colours] == [2, 0, 1]
    ramp = [drawn(colour=value)[SIZE // 2, SIZE // 2] for value in np.linspace(0, 1, 13)]
    distances = np.linalg.norm(np.array(ramp)[:, None] - np.array(ramp)[None], axis=2)
    assert distances[~np.eye(13, dtype=bool)].min() > 20  # no two places look the same


def test_no_shape_leaves_the_picture():
    corners = np.random.default_rng(0).integers(0, 2, (300, 6)).astype(np.float32)
    images = draw_shapes(corners).astype(int)
    edges = (images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1])
    # Less than a quarter of an edge pixel is covered: that is where smooth edges end.
    for edge in edges:
        assert np.abs(edge - edge[:, :1]).max() < 60
