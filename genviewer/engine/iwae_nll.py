"""The benchmark's figure: test NLL by importance sampling, beside that of the paper."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch

from genviewer.engine.iwae import BATCH_SIZE, STAGES, epochs_until
from genviewer.engine.iwae_network import Layers, encode, log_weights
from genviewer.engine.iwae_run import IwaeFolder, state_after, state_at
from genviewer.engine.train_config import TrainingError
from genviewer.io.atomic import write_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from genviewer.engine.density import Reports
    from genviewer.engine.iwae_network import IwaeConfig

PAPER = {1: (86.76, 19), 5: (85.54, 22), 50: (84.78, 25)}
"""NLL in nats and active units by k: table 1 of the paper, one stochastic layer, MNIST."""

ROWS = 500
"""Samples decoded at once: what they make stays in a core's cache."""

ACTIVE = 0.01
"""A unit is active whose posterior mean varies by more over the test images (section 5.2)."""

TABLE_START, TABLE_END = "<!-- table -->", "<!-- end of table -->"
_ROW = re.compile(r"\| (\d+) \|")


class NllResult(msgspec.Struct, frozen=True):
    """What a run was measured at; nats per image.

    Attributes:
        samples: k of the training's bound.
        epochs: trained.
        stages: of the schedule, finished.
        batch_size: of the training.
        images: measured.
        importance: samples per image.
        nll: the mean of the importance-weighted bound, negated.
        stderr: of the mean, from image to image.
        elbo: the bound of one sample, on average.
        active: units that say something about the image.
    """

    samples: int
    epochs: int
    stages: int
    batch_size: int
    images: int
    importance: int
    nll: float
    stderr: float
    elbo: float
    active: int

    def document(self) -> dict[str, Any]:
        """The figures, and the paper's where it has this k."""
        paper = PAPER.get(self.samples)
        beside = {"paper_nll": paper and paper[0], "paper_active": paper and paper[1]}
        return {**msgspec.structs.asdict(self), **beside}


def measure_run(
    path: Path,
    images: NDArray[np.uint8],
    *,
    samples: int = 5000,
    stages: int | None = None,
    newest: bool = False,
    seed: int = 0,
    threads: int = 1,
    progress: Reports | None = None,
) -> NllResult:
    """The test NLL of a run after a stage; kept in its folder as ``nll-STAGE.json``, or within
    one as ``nll-epoch-N.json``.

    Args:
        path: the run's folder.
        images: grey test images uint8 (N, pixels); binarised once, by the seed.
        samples: importance samples per image.
        stages: after how many stages; None for the newest that is finished.
        newest: at the newest checkpoint instead, be its stage finished or not.
        seed: of pixels and noise. An image's noise does not depend on how many there are.
        threads: CPU threads.
        progress: told how far it is; it may cancel.

    Raises:
        TrainingError: there is no such run, or no stage is finished.
    """
    folder = IwaeFolder(path)
    stages = folder.finished_stages() if stages is None or newest else stages
    if not stages:
        folder.read()
        raise TrainingError(f"{path} has not finished the first stage of {STAGES}.")
    epochs = folder.epochs()[-1] if newest else epochs_until(stages - 1)
    whole = epochs == epochs_until(stages - 1)
    state, run = state_after(folder, stages) if whole else state_at(folder, epochs)
    started, before = time.monotonic(), torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = measure_nll(state.parameters, run.config.network, images, samples, seed, progress)
    finally:
        torch.set_num_threads(before)
    log_px, elbo, active = found
    result = NllResult(
        samples=run.config.samples,
        epochs=epochs,
        stages=stages,
        batch_size=run.config.batch_size,
        images=len(images),
        importance=samples,
        nll=-float(log_px.mean()),
        stderr=float(log_px.std() / np.sqrt(len(log_px))),
        elbo=float(elbo.mean()),
        active=active,
    )
    document = {**result.document(), "seed": seed, "seconds": round(time.monotonic() - started)}
    name = f"nll-{stages}.json" if whole else f"nll-epoch-{epochs}.json"
    write_bytes(path / name, msgspec.json.format(msgspec.json.encode(document)))
    return result


@torch.inference_mode()
def measure_nll(
    parameters: torch.Tensor,
    config: IwaeConfig,
    images: NDArray[np.uint8],
    samples: int,
    seed: int = 0,
    progress: Reports | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Per image the bound on log p(x) from so many samples, and from one; and the active units."""
    layers = Layers(parameters, config)
    x = torch.from_numpy(binarised_once(images, seed)).float()
    mean, _ = encode(layers, x)
    active = int((mean.double().var(0, correction=0) > ACTIVE).sum())
    bounds, elbos = np.empty(len(x)), np.empty(len(x))
    weights = torch.empty(samples, dtype=torch.float64)
    for index in range(len(x)):
        # The golden ratio's multiples are far apart: neighbours share no noise.
        generator = torch.Generator().manual_seed((seed + index * 0x9E3779B97F4A7C15) % (1 << 63))
        for at in range(0, samples, ROWS):
            count = min(ROWS, samples - at)
            noise = torch.randn(1, count, config.latent_dim, generator=generator)
            weights[at : at + count] = log_weights(layers, x[index : index + 1], noise)[0]
        bounds[index] = float(torch.logsumexp(weights, 0)) - np.log(samples)
        elbos[index] = float(weights.mean())
        if progress is not None and index % 20 == 0:
            progress.report(index / len(x))
    return bounds, elbos, active


def binarised_once(images: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """Zeros and ones: each pixel on with the probability of its grey value."""
    rng = np.random.default_rng([seed, 2])
    drawn: NDArray[np.uint8] = (rng.random(images.shape, dtype=np.float32) * 255.0 < images).astype(
        np.uint8
    )
    return drawn


def results_table(results: Sequence[NllResult]) -> str:
    """The results as a Markdown table, by k and epochs."""
    lines = [
        "| k | epochs | stages | images | NLL, nats | the paper's | active units | the paper's |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for found in sorted(results, key=lambda result: (result.samples, result.epochs)):
        paper = PAPER.get(found.samples)
        nll, active = (f"{paper[0]:.2f}", str(paper[1])) if paper else ("", "")
        full = f"{found.stages} of {STAGES}"
        if more := found.epochs - epochs_until(found.stages - 1):
            full += f" and {more} epochs"
        if found.batch_size != BATCH_SIZE:
            full += f", batches of {found.batch_size}"
        lines.append(
            f"| {found.samples} | {found.epochs} | {full} | {found.images} | "
            f"{found.nll:.2f} ± {found.stderr:.2f} | {nll} | {found.active} | {active} |"
        )
    return "\n".join(lines)


def write_table(page: Path, results: Sequence[NllResult]) -> None:
    """Put the results between the marks of a Markdown page, in the place of what is there.

    Raises:
        TrainingError: the page cannot be read or written, or has not these marks.
    """
    try:
        text = page.read_text(encoding="utf-8")
        start, end = text.index(TABLE_START) + len(TABLE_START), text.index(TABLE_END)
        written = f"{text[:start]}\n{results_table(results)}\n{text[end:]}"
        write_bytes(page, written.encode())
    except OSError as error:
        raise TrainingError(f"{page} cannot be written: {error.strerror}.") from error
    except ValueError as error:
        raise TrainingError(f"{page} has no lines {TABLE_START} and {TABLE_END}.") from error
