"""Drawings are centred as the digits of MNIST are."""

import numpy as np

from genviewer.engine.drawing import BOX, centred


def test_digits_of_mnist_stay_as_they_are_wherever_they_are_drawn(shared):
    with np.load(shared / "data" / "mnist.npz") as data:
        digits = data["test_images"][:100].reshape(-1, 28, 28, 1)
    off = []
    for index, digit in enumerate(digits):
        drawn = np.pad(digit, ((index, 40), (3, 2 * index), (0, 0)))
        off.append(np.abs(centred(drawn, 28, 28).astype(int) - digit).mean())
    assert np.mean(off) < 0.01


def test_a_long_stroke_keeps_its_shape_and_fits_the_box():
    drawing = np.zeros((300, 300, 3), np.uint8)
    drawing[10:210, 250:270, 0] = 255
    found = centred(drawing, 56, 56)
    rows, columns = np.flatnonzero(found.any((1, 2))), np.flatnonzero(found.any((0, 2)))
    assert len(rows) == round(56 * BOX)
    assert len(columns) == round(len(rows) / 10)
    assert abs(rows.mean() - 28) <= 1
    assert abs(columns.mean() - 28) <= 1
    assert not found[..., 1:].any()


def test_nothing_drawn_is_black_and_a_lopsided_drawing_stays_inside():
    assert not centred(np.zeros((20, 30, 1), np.uint8), 28, 28).any()
    lopsided = np.zeros((100, 100, 1), np.uint8)
    lopsided[0:4, :] = 10
    lopsided[96:, 90:] = 255
    assert centred(lopsided, 28, 28).shape == (28, 28, 1)
