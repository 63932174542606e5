"""Latents of a data set on a plane: by principal components, or by UMAP where it is installed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genviewer.core.directions import principal_directions
from genviewer.core.resources import PACKAGE
from genviewer.engine.generator import LoadError
from genviewer.engine.umap_process import BROKEN

if TYPE_CHECKING:
    from genviewer.engine.density import Reports
    from genviewer.engine.density_results import Doubles
    from genviewer.engine.generator import Floats

MAX_UMAP = 20_000
"""Latents that UMAP learns from; the others are placed among them."""

FEWEST = 5
_CHUNK_VALUES = 1 << 22
POLL_S = 0.1
PROCESS = "genviewer.engine.umap_process"
NO_UMAP = "UMAP is not installed: `pip install genviewer[umap]` brings it."
BROKEN_UMAP = (
    "UMAP is installed but does not start: `pip install genviewer[umap]` brings all it needs."
)


@dataclass(frozen=True, eq=False)
class Layout:
    """Where N latents of D dimensions lie on a plane.

    Attributes:
        points: float32 (N, 2).
        labels: what to call the two axes.
        center: float64 (D,), and
        axes: float64 (2, D), by which other latents are placed: :meth:`place`. None where the
            plane is not a projection.
    """

    points: Floats
    labels: tuple[str, str]
    center: Doubles | None = None
    axes: Doubles | None = None

    def place(self, latent: Floats) -> tuple[float, float] | None:
        """Where one more latent (D,) lies; None where that cannot be said."""
        if self.axes is None or self.center is None or latent.shape != self.center.shape:
            return None
        x, y = self.axes @ (latent.astype(np.float64) - self.center)
        return float(x), float(y)


def by_components(latents: Floats, progress: Reports | None = None) -> Layout:
    """The plane that keeps most of the variance of latents float32 (N, D), N at least 1.

    Latents of one or two dimensions lie as they are. ``progress`` may cancel.
    """
    count, dim = latents.shape
    if dim <= 2:
        center, axes = np.zeros(dim), np.eye(2, dim)
        points = (latents.astype(np.float64) @ axes.T).astype(np.float32)
        return Layout(points, ("z0", "z1" if dim == 2 else ""), center, axes)

    def check() -> None:
        if progress is not None:
            progress.report(1.0, "finding components")

    center = latents.mean(0, dtype=np.float64)
    known = latents
    if count <= 2:
        # Two more in the middle change no direction, and a single image has two components, too.
        known = np.vstack([latents, np.tile(center.astype(np.float32), (2, 1))])
    axes, powers = principal_directions(known, 2, check)
    whole = max(float(powers.sum()), 1e-12)
    first, second = (float(power) / whole for power in powers[:2])
    labels = (
        f"first component ({100 * first:.0f} % of the variance)",
        f"second component ({100 * second:.0f} %)",
    )
    points = np.empty((count, 2), np.float32)
    step = max(1, _CHUNK_VALUES // dim)
    for at in range(0, count, step):
        points[at : at + step] = (latents[at : at + step] - center) @ axes.T
    return Layout(points, labels, center, axes)


def by_umap(latents: Floats, seed: int = 0, progress: Reports | None = None) -> Layout:
    """Neighbours stay neighbours (McInnes et al. 2018): latents float32 (N, D); in a job's thread.

    It takes seconds to minutes, in a process that is ended where ``progress`` cancels.

    Raises:
        LoadError: UMAP is not installed, fails, or there are too few latents for it.
    """
    if importlib.util.find_spec("umap") is None:
        raise LoadError(NO_UMAP)
    if len(latents) < FEWEST:
        raise LoadError("UMAP needs some more images.")
    with tempfile.TemporaryDirectory(prefix="genviewer-umap-") as folder:
        source, target = Path(folder) / "latents.npy", Path(folder) / "points.npy"
        np.save(source, latents)
        command = [sys.executable, "-m", PROCESS, str(source), str(MAX_UMAP), str(target)]
        process = subprocess.Popen(
            [*command, str(seed)],
            cwd=PACKAGE.parent,  # not a folder in which something else may have our name
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while process.poll() is None:
                if progress is not None:
                    progress.report(0.0, "UMAP, which cannot say how far it is")
                time.sleep(POLL_S)
        finally:
            process.kill()
            process.wait()
        if process.returncode == BROKEN:
            raise LoadError(BROKEN_UMAP)
        try:
            points = np.load(target, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise LoadError("UMAP failed on these latents.") from error
    return Layout(points, ("", ""))
