"""The judge: a classifier of real images only, and what it says of a model's samples.

    python -m genviewer.engine.train_judge train DATA.npz JUDGE.pt
    python -m genviewer.engine.train_judge judge JUDGE.pt MODEL... [--json]

It never sees a generated image in training. Small shifts, rotations and scalings of real
images keep it from judging by exact position. Characters that many typefaces draw alike count as
one.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genviewer.core.prior import draws, quantile
from genviewer.engine.train_state import images_tensor
from genviewer.io.atomic import replacing
from genviewer.io.bundle import Bundle, open_bundle
from genviewer.io.datasets import Images, load_images
from genviewer.nets.families import build

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger(__name__)
CLASSES = 10
LOOK_ALIKES = ("Oo0", "Il1")
LARGE = 32  # pictures above this side are halved at once, for speed


class Judge(nn.Module):
    """A small convolutional classifier of square grey images in [0, 1]: logits (B, K)."""

    def __init__(self, classes: int = CLASSES, size: int = 28) -> None:
        super().__init__()
        self.size = size
        self.stem: nn.Module = nn.Identity()
        first = 1
        if size > LARGE:
            self.stem = nn.Sequential(nn.Conv2d(1, 16, 4, stride=2, padding=1), nn.ReLU())
            first, size = 16, size // 2
        area = ((size + 3) // 4) ** 2
        self.layers = nn.Sequential(
            nn.Conv2d(first, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
            nn.Conv2d(32, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
            nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(),
            nn.Conv2d(64, 64, 3, stride=2, padding=1), nn.BatchNorm2d(64), nn.ReLU(),
            nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * area, 128), nn.ReLU(),
            nn.Linear(128, classes),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, 1, H, W) to logits (B, K)."""
        logits: Tensor = self.layers(self.stem(x))
        return logits


def load_judge(path: Path) -> Judge:
    """A judge that ``train`` wrote."""
    state = torch.load(path, weights_only=True)
    judge = Judge(state["classes"], state["size"]).eval()
    judge.load_state_dict(state["weights"])
    return judge


def save_judge(path: Path, judge: Judge, classes: int) -> None:
    """Write a judge atomically."""
    with replacing(path) as temporary:
        torch.save(
            {"classes": classes, "size": judge.size, "weights": judge.state_dict()}, temporary
        )


def looks(names: Sequence[str] | None, classes: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Which class stands for each, (K,): the first of those that look alike."""
    result = np.arange(classes)
    for group in LOOK_ALIKES:
        alike = [i for i, name in enumerate(names or ()) if len(name) == 1 and name in group]
        result[alike] = min(alike, default=0)
    return result


def train_judge(data: Images, *, steps: int = 3500, batch: int = 128, seed: int = 7) -> Judge:
    """Train a judge on labelled real images."""
    if data.labels is None:
        raise ValueError(f"{data.source} has no labels.")
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    judge = Judge(class_count(data), data.images.shape[1]).train()
    adam = torch.optim.AdamW(judge.parameters(), 2e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, 4e-3, total_steps=steps)
    for step in range(steps):
        rows = rng.integers(len(data.images), size=batch)
        x = _jitter(images_tensor(data.images[rows]))
        loss = F.cross_entropy(judge(x), torch.from_numpy(data.labels[rows]), label_smoothing=0.02)
        adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        schedule.step()
        if step % 250 == 0:
            log.info("judge step %d of %d, loss %.4f", step, steps, loss.item())
    return judge.eval()


def class_count(data: Images) -> int:
    """How many classes labelled images have: ten unless the data names them."""
    return len(data.names) if data.names else CLASSES


def _jitter(x: Tensor) -> Tensor:
    """Rotate by up to 12 degrees, scale by up to 10 %, shift by up to 2 pixels, per image."""
    size = x.shape[0]
    angle = (torch.rand(size) * 2 - 1) * math.radians(12)
    scale = 1 + (torch.rand(size) * 2 - 1) * 0.1
    shift = (torch.rand(size, 2) * 2 - 1) * 2 / 14
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    theta = torch.stack([cos, -sin, shift[:, 0], sin, cos, shift[:, 1]], 1).view(size, 2, 3)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


@torch.inference_mode()
def posterior(judge: Judge, images: Tensor, batch: int = 500) -> Tensor:
    """The judge's class probabilities (N, K) of images (N, 1, H, W) in [0, 1]."""
    return torch.cat([judge(chunk).softmax(1) for chunk in torch.split(images, batch)])


def accuracy(judge: Judge, data: Images) -> float:
    """The share of real images that the judge gets right, look-alikes counting as one."""
    if data.labels is None:
        raise ValueError(f"{data.source} has no labels.")
    predicted = posterior(judge, images_tensor(data.images)).argmax(1)
    alike = looks(data.names, class_count(data))
    return float((alike[predicted.numpy()] == alike[data.labels]).mean())


@torch.inference_mode()
def sample(bundle: Bundle, z: np.ndarray[Any, Any], y: np.ndarray[Any, Any] | None) -> Tensor:
    """What a bundle's own weights draw in torch, (N, C, H, W) in [0, 1], from given latents."""
    from safetensors.torch import load_file

    network = build(bundle.config.network).eval()
    network.load_state_dict(load_file(bundle.weights_path))
    low, high = bundle.spec.image.range
    chunks = []
    for start in range(0, len(z), 250):
        rows = slice(start, start + 250)
        weights = torch.from_numpy(y[rows]) if y is not None else None
        raw = network.decode(torch.from_numpy(z[rows]), weights)  # type: ignore[operator]
        chunks.append(((raw - low) / (high - low)).clamp(0, 1))
    return torch.cat(chunks)


def judge_bundle(judge: Judge, bundle: Bundle, count: int, seed: int) -> dict[str, Any]:
    """Figures of a model; the first ``count`` seeds, sample i of class ``i mod K``, no rejection.

    Conditional models: share recognised as their class, in all and per class, and the mean
    distance between samples of a class. Unconditional ones: the share of every digit among the
    samples, ten being the classes. With a 2-D latent also the Map: tiles over the prior's central
    90 %, the share recognised with more than 0.9 and the digits among those.
    """
    latent = bundle.spec.latent
    z = draws(latent, seed, count)
    condition = bundle.spec.class_condition
    classes = condition.size if condition is not None else CLASSES
    labels = np.arange(count) % classes
    result: dict[str, Any] = {"name": bundle.spec.name, "model_id": bundle.model_id, "n": count}
    if condition is not None:
        images = sample(bundle, z, np.eye(classes, dtype=np.float32)[labels])
        predicted = posterior(judge, images).argmax(1).numpy()
        alike = looks(condition.names, classes)
        right = alike[predicted] == alike[labels]
        result["recognised"] = float(right.mean())
        result["per_class"] = [round(float(right[labels == c].mean()), 4) for c in range(classes)]
        result["class_distance"] = class_distance(images, labels)
    else:
        images = sample(bundle, z, None)
        shares = posterior(judge, images)
        digits = np.bincount(shares.argmax(1).numpy(), minlength=CLASSES) / count
        result["shares"] = [round(float(share), 4) for share in digits]
        result["confident"] = float((shares.max(1).values > 0.9).float().mean())
    if latent.dim == 2 and condition is None:
        axis = [quantile(latent, p) for p in np.linspace(0.05, 0.95, 40)]
        tiles = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2).astype(np.float32)
        shares = posterior(judge, sample(bundle, tiles, None))
        confident = shares.max(1).values > 0.9
        result["map_recognised"] = float(confident.float().mean())
        result["map_digits"] = sorted(set(shares.argmax(1)[confident].tolist()))
    return result


def class_distance(images: Tensor, labels: np.ndarray[Any, Any], per_class: int = 400) -> float:
    """Mean pixel distance (root mean square) between two images of a class, over the classes."""
    means = []
    for c in range(int(labels.max()) + 1):
        flat = images[torch.from_numpy(np.flatnonzero(labels == c)[:per_class])].flatten(1)
        distances = torch.pdist(flat) / math.sqrt(flat.shape[1])
        means.append(float(distances.mean()))
    return float(np.mean(means))


def main(argv: list[str] | None = None) -> int:
    """The command line of this module; figures go to stdout as JSON."""
    parser = argparse.ArgumentParser(prog="python -m genviewer.engine.train_judge")
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train", help="train a judge on real images")
    training.add_argument("data")
    training.add_argument("judge", type=Path)
    training.add_argument("--steps", type=int, default=3500)
    judging = commands.add_parser("judge", help="judge the samples of models")
    judging.add_argument("judge", type=Path)
    judging.add_argument("models", type=Path, nargs="+")
    judging.add_argument("--data", help="real images, to compare with")
    judging.add_argument("-n", type=int, default=10_000)
    judging.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    if args.command == "train":
        real, test = load_images(args.data)
        judge = train_judge(real, steps=args.steps)
        save_judge(args.judge, judge, class_count(real))
        result: Any = {"test_accuracy": accuracy(judge, test) if test is not None else None}
    else:
        judge = load_judge(args.judge)
        result = [judge_bundle(judge, open_bundle(m), args.n, args.seed) for m in args.models]
        if args.data:
            real, test = load_images(args.data)
            if real.labels is None:
                raise ValueError(f"{real.source} has no labels.")
            distance = class_distance(images_tensor(real.images[:10_000]), real.labels[:10_000])
            share = accuracy(judge, test) if test is not None else None
            result = {"real_class_distance": distance, "real_recognised": share, "models": result}
    sys.stdout.write(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
