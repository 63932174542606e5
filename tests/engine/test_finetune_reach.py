"""The bundled digits learn a letter from 200 images, and still know their digits."""

import sys
import time

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from genviewer.core.resources import models_dir
from genviewer.engine.finetune import finetune_config
from genviewer.engine.finetune_data import load_finetune_images
from genviewer.engine.train_judge import posterior, train_judge
from genviewer.engine.training import make_state, training_steps
from genviewer.io.bundle import open_bundle
from genviewer.io.dataset_survey import survey
from genviewer.io.datasets import Images, load_images
from genviewer.io.font_files import font_files

LETTER, IMAGES, SAMPLES = "A", 200, 200
FONTS, ALIKE = 400, 0.5
INK, BOX, SIDE = 40, 20, 28
DIGITS = tuple("0123456789")


def like_mnist(glyph):
    """A glyph, uint8, as MNIST has its digits: in a box of 20 pixels, centred by mass."""
    rows, columns = (np.flatnonzero((glyph > INK).any(axis)) for axis in (1, 0))
    glyph = glyph[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = BOX / max(glyph.shape)
    height, width = (max(1, round(side * scale)) for side in glyph.shape)
    small = np.asarray(Image.fromarray(glyph).resize((width, height), Image.Resampling.BOX))
    mass = small / small.sum()
    centre = (mass.sum(1) @ np.arange(height), mass.sum(0) @ np.arange(width))
    top, left = (
        int(np.clip(round((SIDE - 1) / 2 - at), 0, SIDE - side))
        for at, side in zip(centre, small.shape, strict=True)
    )
    picture = np.zeros((SIDE, SIDE), np.uint8)
    picture[top : top + height, left : left + width] = small
    return picture


def letters():
    """The letter in this machine's fonts, uint8 (N, 28, 28, 1): to learn from, and held out.

    Whole families are held out; fonts in which it looks like nothing else are left out.
    """
    drawn, families = [], []
    for path in font_files():
        try:
            font = ImageFont.truetype(str(path), 48)
        except OSError:
            continue
        canvas = Image.new("L", (96, 96))
        ImageDraw.Draw(canvas).text((48, 48), LETTER, 255, font, anchor="mm")
        glyph = np.asarray(canvas)
        if (glyph > INK).any():
            drawn.append(like_mnist(glyph))
            families.append(path.stem.partition("-")[0])
    if len(drawn) < FONTS:
        pytest.skip(f"this machine has {len(drawn)} fonts, and {FONTS} are needed")
    images = np.stack(drawn)
    flat = images.reshape(len(images), -1).astype(float)
    usual, alike = np.median(flat, 0), np.ones(len(flat), bool)
    for _ in range(3):
        alike = np.array([np.corrcoef(row, usual)[0, 1] for row in flat]) > ALIKE
        usual = flat[alike].mean(0)
    names = sorted(set(families))
    held_out = np.array([names.index(name) % 8 == 0 for name in families])
    return images[alike & ~held_out, ..., None], images[alike & held_out, ..., None]


@pytest.mark.soak
@pytest.mark.parametrize("preset", ["normal"])
def test_two_hundred_images_make_a_new_class(tmp_path, shared, capsys, preset):
    mnist = shared / "data" / "mnist.npz"
    if not mnist.is_file():
        pytest.skip("no MNIST among the shared test data")
    train, held_out = letters()
    digits, test = load_images(str(mnist))
    many = np.repeat(train, len(digits.images) // 10 // len(train), 0)
    judge = train_judge(
        Images(
            "judge",
            np.concatenate([digits.images, many]),
            np.concatenate([digits.labels, np.full(len(many), 10)]),
            (*DIGITS, LETTER),
        ),
        steps=700,
    )
    assert (judged(judge, held_out) == 10).mean() > 0.97
    assert (judged(judge, test.images[:4000]) == test.labels[:4000]).mean() > 0.97

    folder = tmp_path / "letters" / LETTER
    folder.mkdir(parents=True)
    for index, row in enumerate(np.random.default_rng(1).permutation(len(train))[:IMAGES]):
        Image.fromarray(train[row, ..., 0]).save(folder / f"{index:03}.png")
    bundle = open_bundle(models_dir() / "digits-cvae")
    config = finetune_config(bundle, survey(folder.parent), preset=preset)
    started, cpu = time.perf_counter(), time.process_time()
    images, _ = load_finetune_images(config)
    state = make_state(config)
    for _ in training_steps(config, state, images):
        pass
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu

    labels = np.arange(11 * SAMPLES) % 11
    z = np.random.default_rng(0).standard_normal((len(labels), bundle.spec.latent.dim))
    with torch.inference_mode():
        drawn = state.ema.decode(torch.from_numpy(z).float(), torch.eye(11)[labels])
        right = posterior(judge, drawn).argmax(1).numpy() == labels
    new, old = right[labels == 10].mean(), right[labels < 10].mean()
    with capsys.disabled():
        sys.stdout.write(
            f"\n{preset}: {config.steps} steps of {config.batch_size} in {seconds:.0f} s "
            f"({cpu:.0f} s of processor, {torch.get_num_threads()} threads): the new class "
            f"{new:.1%}, old ones {old:.1%}\n"
        )
    assert new >= 0.8
    assert old >= 0.97


def judged(judge, images):
    """The judge's class of each image uint8 (N, 28, 28, 1)."""
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255.0
    return posterior(judge, x).argmax(1).numpy()
