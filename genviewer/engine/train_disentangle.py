"""How well the dimensions of a latent match the factors that its images were drawn from.

    python -m genviewer.engine.train_disentangle MODEL...

The mutual information gap (Chen et al. 2018): for each factor, how much more the best dimension
tells about it than the second best, as a share of the factor's entropy. Measured as by Locatello
et al. 2019: the posterior means of images that no model was trained on, each dimension cut into 20
bins of equal width between its least and its greatest value, and likewise each factor.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from genviewer.engine.train_state import images_tensor
from genviewer.io.bundle import open_bundle
from genviewer.io.dataset_shapes import FACTORS, make_shapes
from genviewer.nets.families import build

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genviewer.io.bundle import Bundle

BINS = 20
SEED = 1_000_003  # other shapes than any model is trained on


class Gap(NamedTuple):
    """The gap averaged over factors, that of each, and the dimension that tells most of it.

    ``information`` (F, D) is what each dimension tells of each factor, as a share of its entropy.
    """

    mean: float
    per_factor: list[float]
    dimension: list[int]
    information: NDArray[np.float64]


def mutual_information_gap(latents: NDArray[Any], factors: NDArray[Any]) -> Gap:
    """The gap of latents (N, D) with D >= 2 about factors (N, F)."""
    codes = np.stack([_bins(column) for column in latents.T])
    levels = np.stack([_bins(column) for column in factors.T])
    entropy = np.array([_information(level, level) for level in levels])
    information = np.array([[_information(code, level) for code in codes] for level in levels])
    shares = information / entropy[:, None]
    ordered = np.sort(shares, axis=1)
    gaps = ordered[:, -1] - ordered[:, -2]
    return Gap(float(gaps.mean()), gaps.tolist(), shares.argmax(1).tolist(), shares)


def _bins(values: NDArray[Any]) -> NDArray[np.int64]:
    low, high = values.min(), values.max()
    scaled = (values - low) / max(high - low, 1e-12) * BINS
    bins: NDArray[np.int64] = np.minimum(scaled.astype(np.int64), BINS - 1)
    return bins


def _information(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    """Mutual information in nats of two columns of bin numbers."""
    joint = np.bincount(a * BINS + b, minlength=BINS * BINS).reshape(BINS, BINS) / len(a)
    apart = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    seen = joint > 0
    return float((joint[seen] * np.log(joint[seen] / apart[seen])).sum())


@torch.inference_mode()
def encode_means(bundle: Bundle, images: NDArray[np.uint8], batch: int = 250) -> NDArray[Any]:
    """The posterior means (N, D) of images (N, H, W, C) under a bundle's own weights."""
    from safetensors.torch import load_file

    network = build(bundle.config.network).eval()
    network.load_state_dict(load_file(bundle.weights_path))
    means = [
        network.encode(images_tensor(images[start : start + batch]))[0]  # type: ignore[operator]
        for start in range(0, len(images), batch)
    ]
    result: NDArray[Any] = torch.cat(means).numpy()
    return result


def main(argv: list[str] | None = None) -> int:
    """The command line of this module; figures go to stdout as JSON."""
    parser = argparse.ArgumentParser(prog="python -m genviewer.engine.train_disentangle")
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("-n", type=int, default=10_000, help="how many images")
    args = parser.parse_args(argv)
    shapes = make_shapes(SEED, args.n)
    report = []
    for path in args.models:
        bundle = open_bundle(path)
        gap = mutual_information_gap(encode_means(bundle, shapes.images), shapes.factors)
        factors = {
            name: {
                "gap": round(gap.per_factor[row], 4),
                "dimension": gap.dimension[row],
                "information": [round(float(share), 4) for share in gap.information[row]],
            }
            for row, name in enumerate(FACTORS)
        }
        report.append({"name": bundle.spec.name, "mig": round(gap.mean, 4), "factors": factors})
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
