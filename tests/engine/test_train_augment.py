import pytest
import torch

from genviewer.engine.train_augment import augment


@pytest.fixture
def images():
    return torch.rand(16, 2, 8, 8, generator=torch.Generator().manual_seed(3)) * 2 - 1


def noise():
    return torch.Generator().manual_seed(5)


def test_no_policy_changes_nothing(images):
    assert augment(images, "", noise()) is images


@pytest.mark.parametrize("policy", ["brightness", "translation", "cutout"])
def test_each_step_changes_images_repeatably_and_lets_the_gradient_through(images, policy):
    images.requires_grad_()
    once, again = augment(images, policy, noise()), augment(images, policy, noise())
    assert once.shape == images.shape
    assert torch.equal(once, again)
    assert not torch.equal(once, images)
    once.sum().backward()
    assert float(images.grad.abs().sum()) > 0


def test_brightness_is_one_shift_per_image(images):
    shift = (augment(images, "brightness", noise()) - images).flatten(1)
    assert float((shift.max(1).values - shift.min(1).values).max()) < 1e-6
    assert float(shift.abs().max()) <= 0.5
    assert float(shift[:, 0].std()) > 0.1


def test_translation_moves_by_whole_pixels_and_fills_with_background():
    x = torch.full((64, 1, 8, 8), -1.0)
    x[:, 0, 4, 4] = 1.0
    moved = augment(x, "translation", noise())
    places = {tuple(row[2:].tolist()) for row in (moved == 1.0).nonzero()}
    assert places == {(r, c) for r in (3, 4, 5) for c in (3, 4, 5)}
    assert torch.equal((moved == 1.0).flatten(1).sum(1), torch.ones(64, dtype=torch.long))
    edge = augment(torch.ones(64, 1, 8, 8), "translation", noise())
    assert float(edge.min()) == -1.0


def test_cutout_empties_a_window(images):
    cut = augment(images, "cutout", noise())
    changed = cut != images
    assert float(cut[changed].abs().max()) == 0.0
    assert 0 < int(changed[:, 0].flatten(1).sum(1).max()) <= 16


def test_steps_follow_each_other(images):
    both = augment(images, "brightness,cutout", noise())
    shared = noise()
    by_hand = augment(augment(images, "brightness", shared), "cutout", shared)
    assert torch.equal(both, by_hand)
