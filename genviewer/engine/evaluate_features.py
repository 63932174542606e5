"""The space that samples are measured in: a classifier of the real images, trained once and kept.

A classifier learns from the real training images alone and is kept in the user's cache under the
hash of what it learned from. Without labels, convolutions with random weights that are the same
everywhere stand in for it.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from genviewer.engine.cache_folder import cache_folder
from genviewer.engine.train_judge import looks
from genviewer.engine.train_state import images_tensor, with_layout
from genviewer.io.atomic import replacing
from genviewer.io.bundle import BundleError, hash_weights, read_header
from genviewer.nets.feature_classifier import (
    MAX_SIDE,
    FeatureClassifier,
    FeatureClassifierConfig,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from genviewer.io.datasets import Images

    Tick = Callable[[int], None]

FORMAT = "genviewer-classifier/1"
STEPS, BATCH, SEED = 1800, 128, 7
MAX_RATE = 4e-3
CHUNK = 250
RANDOM_NAME = "random-convolutions-1"
_RANDOM_SEED = 0
_RANDOM_CHANNELS = (32, 64, 64)


class EvaluationError(ValueError):
    """Samples that cannot be measured; the message is one sentence for the user."""


class Space(Protocol):
    """What turns images into points: a classifier, or random convolutions."""

    name: str
    sha256: str
    size: int
    accuracy: float | None
    names: tuple[str, ...] | None

    def look(self, images: NDArray[np.uint8]) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Features float32 (N, F) and class probabilities (N, K), or None without classes."""
        ...


class ClassifierSpace:
    """The features of a trained classifier; ``accuracy`` is its share of right test images."""

    def __init__(
        self,
        network: FeatureClassifier,
        name: str,
        sha256: str,
        accuracy: float | None,
        names: tuple[str, ...] | None,
    ) -> None:
        self.network = network.eval().requires_grad_(False)
        self.name, self.sha256, self.accuracy, self.names = name, sha256, accuracy, names
        self.size = network.config.features

    def fits(self, images: NDArray[np.uint8]) -> bool:
        """Whether these images (N, H, W, C) are of the size it was trained on."""
        config = self.network.config
        wanted = (config.image_height, config.image_width)
        same = reduced_size(*images.shape[1:3]) == wanted
        return same and images.shape[3] == config.image_channels

    @torch.inference_mode()
    def look(self, images: NDArray[np.uint8]) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """As :meth:`Space.look`."""
        features = self.network.features(reduced(images))
        return features.numpy(), self.network.classes(features).softmax(1).numpy()


class RandomSpace:
    """Three layers of random convolutions, averaged over the quarters of the picture.

    Random features see outlines and colours, not what a picture shows; they need no labels.
    """

    name = RANDOM_NAME
    accuracy: float | None = None
    names: tuple[str, ...] | None = None

    def __init__(self, channels: int) -> None:
        rng = np.random.default_rng(_RANDOM_SEED)
        self._weights: list[Tensor] = []
        digest = hashlib.sha256()
        previous = channels
        for width in _RANDOM_CHANNELS:
            weights = rng.standard_normal((width, previous, 5, 5)) * math.sqrt(2 / (previous * 25))
            weights = weights.astype(np.float32)
            digest.update(weights.tobytes())
            self._weights.append(torch.from_numpy(weights))
            previous = width
        self.sha256 = digest.hexdigest()
        self.size = previous * 4

    @torch.inference_mode()
    def look(self, images: NDArray[np.uint8]) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """As :meth:`Space.look`."""
        x = reduced(images) * 2.0 - 1.0
        for weights in self._weights:
            x = F.relu(F.conv2d(x, weights, stride=2, padding=2))
        features = F.adaptive_avg_pool2d(x, 2).flatten(1)
        return features.numpy(), None


def reduced(images: NDArray[np.uint8]) -> Tensor:
    """uint8 (N, H, W, C) to float32 (N, C, h, w) in [0, 1], averaged to at most 64 a side."""
    x = images_tensor(images)
    size = reduced_size(images.shape[1], images.shape[2])
    return x if tuple(x.shape[2:]) == size else F.interpolate(x, size=size, mode="area")


def reduced_size(height: int, width: int) -> tuple[int, int]:
    """The height and width that the features are taken at."""
    factor = max(1.0, max(height, width) / MAX_SIDE)
    return max(4, round(height / factor)), max(4, round(width / factor))


def data_hash(data: Images) -> str:
    """sha256 over the shape, pixels and labels of a set of images."""
    digest = hashlib.sha256(json.dumps(list(data.images.shape)).encode())
    digest.update(np.ascontiguousarray(data.images).data)
    if data.labels is not None:
        digest.update(np.ascontiguousarray(data.labels, np.int64).data)
    return digest.hexdigest()


def classifier_for(
    train: Images, test: Images | None, sha256: str, tick: Tick = lambda _done: None
) -> ClassifierSpace:
    """The classifier of these labelled images, from the cache or trained now, and kept.

    ``sha256`` is the :func:`data_hash` of ``train``. ``tick`` hears of every training step, of
    :data:`STEPS`.

    Raises:
        OSError: the cache cannot be written.
    """
    path = cached_classifier(sha256)
    if path.is_file():
        try:
            return open_classifier(path)
        except EvaluationError:
            pass  # damaged or of another version: made again
    network = train_classifier(train, STEPS, tick=tick)
    space = ClassifierSpace(network, "", "", None, train.names)
    found = None if test is None else accuracy(space, test)
    metadata = {
        "format": FORMAT,
        "config": msgspec.json.encode(network.config).decode(),
        "name": f"classifier-{sha256[:12]}",
        "test_accuracy": json.dumps(found),
        "names": json.dumps(train.names),
        "data_sha256": sha256,
        "training": f"{STEPS} steps of {BATCH}, seed {SEED}",
    }
    with replacing(path) as temporary:
        save_file({k: v.contiguous() for k, v in network.state_dict().items()}, temporary, metadata)
    return open_classifier(path)


def cached_classifier(sha256: str) -> Path:
    """Where the classifier of the images with this hash is kept."""
    return cache_folder("classifiers") / f"{sha256[:32]}.safetensors"


def open_classifier(path: Path) -> ClassifierSpace:
    """A classifier from its file, a safetensors file whose metadata says what it is.

    Raises:
        EvaluationError: it cannot be read or is no such file.
    """
    try:
        read_header(path)
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
        if metadata.get("format") != FORMAT:
            raise EvaluationError(f"{path} is not a classifier that `genviewer evaluate` made.")
        config = msgspec.json.decode(metadata["config"], type=FeatureClassifierConfig)
        with torch.random.fork_rng(devices=[]):
            network = FeatureClassifier(config)
        network.load_state_dict(load_file(path))
        names = json.loads(metadata["names"])
        return ClassifierSpace(
            network,
            metadata["name"],
            hash_weights(path)[0],
            json.loads(metadata["test_accuracy"]),
            None if names is None else tuple(map(str, names)),
        )
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read: {error.strerror or error}.") from error
    except EvaluationError:
        raise
    except BundleError as error:
        raise EvaluationError(str(error)) from error
    except (RuntimeError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise EvaluationError(f"{path} is a damaged classifier.") from error


def train_classifier(
    data: Images, steps: int, *, seed: int = SEED, tick: Tick = lambda _done: None
) -> FeatureClassifier:
    """Train a classifier on labelled real images; the same for the same seed and thread count.

    Raises:
        EvaluationError: there are no labels.
    """
    if data.labels is None:
        raise EvaluationError(f"{data.source} has no labels to train a classifier on.")
    height, width = reduced_size(*data.images.shape[1:3])
    classes = max(len(data.names or ()), int(data.labels.max()) + 1)
    config = FeatureClassifierConfig(height, width, data.images.shape[3], classes)
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = FeatureClassifier(config).train()
        with_layout(network, torch.channels_last)
        adam = torch.optim.AdamW(network.parameters(), MAX_RATE, weight_decay=1e-3)
        schedule = torch.optim.lr_scheduler.OneCycleLR(adam, MAX_RATE, total_steps=steps)
        for _ in range(steps):
            rows = rng.integers(len(data.images), size=min(BATCH, len(data.images)))
            logits = network(_jittered(reduced(data.images[rows]), rng))
            wanted = torch.from_numpy(data.labels[rows])
            loss = F.cross_entropy(logits, wanted, label_smoothing=0.02)
            adam.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
            schedule.step()
            tick(1)
    with_layout(network, torch.contiguous_format)
    return network.eval()


def _jittered(x: Tensor, rng: np.random.Generator) -> Tensor:
    """Turned by up to 12 degrees, scaled by up to 10 %, shifted by up to a 14th, per image.

    So that the classifier does not read by exact position.
    """
    turn, grow, across, down = rng.uniform(-1.0, 1.0, (4, len(x)))
    angle, scale = np.deg2rad(12.0 * turn), 1.0 + 0.1 * grow
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    rows = np.stack([cos, -sin, across / 7, sin, cos, down / 7], 1).reshape(-1, 2, 3)
    grid = F.affine_grid(torch.from_numpy(rows.astype(np.float32)), list(x.shape), False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def accuracy(space: Space, data: Images) -> float | None:
    """The share of labelled images that a classifier gets right; None where it cannot say.

    Characters that look alike count as one.
    """
    if data.labels is None:
        return None
    right = 0
    for start in range(0, len(data.images), CHUNK):
        _, probabilities = space.look(data.images[start : start + CHUNK])
        if probabilities is None:
            return None
        alike = looks(space.names, probabilities.shape[1])
        labels = data.labels[start : start + CHUNK]
        right += int((alike[probabilities.argmax(1)] == alike[labels]).sum())
    return right / len(data.images)
