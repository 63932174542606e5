"""Trainings of a few steps: networks of some hundred weights that learn bars across and down."""

import threading
import time
import weakref
from pathlib import Path

import numpy as np
import torch

from genviewer.engine import training_run
from genviewer.engine.train_config import read_config
from genviewer.engine.training import make_state, training_steps

VAE = """
name = "bars"
steps = {steps}
batch_size = 8
threads = 1
checkpoint_every = {every}
log_every = 1
[data]
source = {source}
class_names = ["across", "down"]
[network]
type = "residual_vae"
image_size = 8
latent_dim = 2
classes = 2
hidden = 16
channels = [16, 8]
blocks = [1, 1]
encoder_blocks = [1, 0]
[vae]
"""
GAN = """
name = "bars-gan"
steps = {steps}
batch_size = 8
threads = 1
checkpoint_every = {every}
log_every = 1
[data]
source = {source}
[network]
type = "residual_gan"
image_size = 8
latent_dim = 4
classes = 2
hidden = 16
channels = [16, 8]
blocks = [1, 1]
critic_channels = [8, 16]
[gan]
penalty_every = 2
augment = "translation"
"""
PATIENCE_S = 60.0


def bars(path, count=64, test=0):
    """An .npz of bars across (class 0) or down (class 1) at a random place."""
    rng = np.random.default_rng(0)
    images = np.zeros((count + test, 8, 8), np.uint8)
    labels = np.arange(count + test) % 2
    for image, label in zip(images, labels, strict=True):
        place = rng.integers(0, 7)
        (image if label == 0 else image.T)[place : place + 2] = 255
    parts = {"train_images": images[:count], "train_labels": labels[:count]}
    if test:
        parts |= {"test_images": images[count:], "test_labels": labels[count:]}
    np.savez(path, **parts)
    return path


def config_of(folder, text=VAE, steps=6, every=2, extra="", test=0):
    """The configuration of a run on bars, which are in ``folder`` with it."""
    data = bars(folder / "bars.npz", test=test)
    source = f'"{data.as_posix()}"'
    path = Path(folder) / "tiny.toml"
    path.write_text(text.format(steps=steps, every=every, source=source) + extra)
    return read_config(path)


def wait_for(wanted, what="it"):
    """Wait until ``wanted()`` is true."""
    deadline = time.monotonic() + PATIENCE_S
    while not wanted():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.005)


def fail_once(monkeypatch, make_error):
    """Let the first step of all runs fail. Given are weak references to what that step had, and how
    many of them were alive whenever networks were made, in two lists that fill.
    """
    held, alive = [], []

    def steps(config, state, images):
        for losses in training_steps(config, state, images):
            drawn = torch.zeros(3)  # as of a step on its way
            if not held:
                held.extend(map(weakref.ref, (state, state.network, drawn)))
                raise make_error()  # one that was kept would keep the step alive
            yield losses

    def made(config, **options):
        alive.append(sum(one() is not None for one in held))
        return make_state(config, **options)

    monkeypatch.setattr(training_run, "training_steps", steps)
    monkeypatch.setattr(training_run, "make_state", made)
    return held, alive


class Listener:
    """Takes a training thread's news and keeps it."""

    def __init__(self):
        self.news = []
        self._lock = threading.Lock()
        self.thread = None

    def take(self):
        with self._lock:
            if self.thread is not None and (news := self.thread.take()) is not None:
                self.news.append(news)
        return self.news

    @property
    def rows(self):
        return [row for news in self.news for row in news.rows]

    def until(self, state):
        wait_for(lambda: any(n.state == state for n in self.take()), state)
        return self.news[-1]
