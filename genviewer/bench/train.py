"""Training beside exploring: what either costs the other, and how soon a training stops."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from genviewer.bench.results import Result, at_least, at_most, within
from genviewer.bench.window import run_python, train_window

if TYPE_CHECKING:
    from genviewer.engine.train_config import TrainConfig
    from genviewer.io.bundle import Bundle

REPEATS = 5
SECONDS = 4.0
WARM_S = 2.0
IMAGES = 256
STEPS = 1_000_000  # more than are taken
THREADS = 1
RATE_SHARE = 0.85  # of the steps a second that the same training takes alone
FEW_CORES, DRAG_FEW, DRAG_MANY = 2, 2.0, 1.5  # times the latency of a drag beside no training
WRITE_MS = 500.0  # that a checkpoint may take after its step, of models of this size


def measure(bundle: Bundle) -> list[Result]:
    """The figures of a model that can be fine-tuned; nothing for one that cannot."""
    from genviewer.engine.device import usable_cores
    from genviewer.engine.finetune import what_can_train

    if what_can_train(bundle).why_not:
        return []
    name = bundle.spec.name
    limit = DRAG_FEW if usable_cores() <= FEW_CORES else DRAG_MANY
    with tempfile.TemporaryDirectory(prefix="genviewer-bench-") as folder:
        path = write_run(bundle, Path(folder))
        alone, beside = [], []
        for repeat in range(REPEATS):
            alone.append(train_alone(path, Path(folder) / f"alone-{repeat}"))
            beside.append(train_window(bundle, path, SECONDS))
    rates = [window.steps_per_s for window in beside]
    rate, rate_alone = median(rates), median(alone)
    share = median(one / other for one, other in zip(rates, alone, strict=True))
    p95 = median(window.drag_p95_ms for window in beside)
    idle = median(window.idle_p95_ms for window in beside)
    ratio = median(window.drag_p95_ms / window.idle_p95_ms for window in beside)
    step_ms = 1e3 / rate
    stop = median(window.stop_ms for window in beside)
    return [
        at_least("train_steps_window_idle", name, rate, "1/s", rate_alone, share, RATE_SHARE),
        at_most("train_drag_p95", name, p95, "ms", idle, ratio, limit),
        within("train_stop_to_checkpoint", name, stop, "ms", step_ms + WRITE_MS, step_ms),
    ]


def write_run(bundle: Bundle, folder: Path) -> Path:
    """The configuration of a long fine-tuning on a model's own samples, which are beside it."""
    from genviewer.bench.baseline import inputs
    from genviewer.engine.finetune import class_names, finetune_config
    from genviewer.engine.generator import load_generator
    from genviewer.engine.train_config import config_table
    from genviewer.engine.train_run import to_toml
    from genviewer.io.dataset_survey import survey

    data, names = folder / "samples.npz", class_names(bundle.spec)
    images = load_generator(bundle).decode_pixels(*inputs(bundle.spec, IMAGES))
    labels = np.arange(IMAGES) % max(1, len(names))  # as inputs has them
    arrays: dict[str, np.ndarray] = {"images": images}
    if names:
        arrays["labels"] = labels
    np.savez(data, **arrays)  # type: ignore[arg-type]
    mapping = {str(index): name for index, name in enumerate(names)}
    config = finetune_config(
        bundle, survey(data), steps=STEPS, threads=THREADS, mapping=mapping or None
    )
    path = folder / "train.toml"
    path.write_text(to_toml(config_table(config)), encoding="utf-8")
    return path


def train_alone(config: Path, folder: Path) -> float:
    """Steps a second of that run in a process of its own, at the priority of the window's."""
    code = "import sys; from genviewer.bench.train import report_rate; report_rate(*sys.argv[1:])"
    return float(run_python(["-c", code, str(config), str(folder), str(SECONDS)], "training"))


def report_rate(config: str, folder: str, seconds: str) -> None:
    """In that process: train, and write the steps a second to stdout."""
    import torch

    from genviewer.engine.train_config import read_config
    from genviewer.engine.training_thread import NICENESS

    if hasattr(os, "nice"):
        os.nice(NICENESS)
    run_config = read_config(Path(config))
    torch.set_num_threads(run_config.threads)
    sys.stdout.write(f"{_rate(run_config, Path(folder), float(seconds))}\n")


def _rate(config: TrainConfig, folder: Path, seconds: float) -> float:
    from genviewer.engine.training_events import Stepped
    from genviewer.engine.training_run import TrainingRun

    run = TrainingRun.start(config, folder)
    warm = first = 0.0
    first_step = 0
    for event in run.events():
        if not isinstance(event, Stepped):
            continue
        now = time.perf_counter()
        warm = warm or now
        if not first and now - warm >= WARM_S:
            first, first_step = now, event.step
        elif first and now - first >= seconds:
            return (event.step - first_step) / (now - first)
    raise RuntimeError("the training ended before it was measured")
