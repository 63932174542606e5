"""UMAP in a process of its own, which can be ended: ``python -m genviewer.engine.umap_process``.

It reads latents float32 (N, D) from the .npy file of its first argument, takes at most so many to
learn from as the second says, and writes points float32 (N, 2) to the third. The fourth is a seed.
Where the package cannot be imported it ends with :data:`BROKEN`.
"""

from __future__ import annotations

import sys

import numpy as np

from genviewer.engine.jobs import lower_priority

NEIGHBOURS = 15
BROKEN = 3


def lay_out(source: str, most: int, target: str, seed: int) -> None:
    """Read, learn, place, write."""
    try:
        from umap import UMAP
    except ImportError:  # a package that it needs is missing, or of another version
        sys.exit(BROKEN)
    latents = np.load(source, allow_pickle=False)
    chosen = np.unique(np.linspace(0, len(latents) - 1, most).astype(np.int64))
    neighbours = min(NEIGHBOURS, len(chosen) - 1)
    method = UMAP(n_neighbors=neighbours, random_state=seed, n_jobs=1)
    points = np.empty((len(latents), 2), np.float32)
    points[chosen] = method.fit_transform(latents[chosen])
    rest = np.setdiff1d(np.arange(len(latents)), chosen)
    if len(rest):
        points[rest] = method.transform(latents[rest])
    np.save(target, points)


if __name__ == "__main__":
    lower_priority()
    lay_out(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
