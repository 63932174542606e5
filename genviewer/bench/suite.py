"""The benchmarks by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NAMES = ("drag", "forward", "start", "export", "beliefs", "train", "scatter", "all")


def run(
    names: Sequence[str] = ("all",), report: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Run benchmarks on every bundled model; takes minutes. In a process without a window.

    Args:
        names: of :data:`NAMES`.
        report: is told what is being measured, one line each.

    Returns:
        ``{"machine": {..}, "results": [{"name", "model", "value", "unit", "baseline", "ratio",
        "target", "met"}]}``.

    Raises:
        ValueError: if there is no benchmark of a name.
    """
    from genviewer.bench import beliefs, drag, export, forward, linked, scatter, start, train
    from genviewer.bench.results import machine
    from genviewer.engine.library import bundled_models

    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise ValueError(
            f"There is no benchmark {unknown[0]!r}; the benchmarks are {', '.join(NAMES)}."
        )
    chosen = NAMES[:-1] if "all" in names else names
    bundles = bundled_models()
    parts = {
        "drag": drag.measure,
        "forward": forward.measure,
        "start": start.measure,
        "export": export.measure,
        "beliefs": beliefs.measure,
        "train": train.measure,
    }
    results = []
    for name in chosen:
        if name == "scatter":
            report("scatter: 60,000 points")
            results += scatter.measure()
            continue
        for bundle in bundles:
            report(f"{name}: {bundle.spec.name}")
            results += parts[name](bundle)
        if name == "drag":
            report("drag: two linked models")
            results += linked.measure(bundles)
    return {"machine": machine(), "results": [msgspec.to_builtins(result) for result in results]}
