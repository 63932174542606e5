"""What the inspecting commands print."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from genviewer.engine.bayes_reference import outlines_of
from genviewer.engine.density_results import percentile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genviewer.cli.inspected import Inspected
    from genviewer.cli.outliers import Against
    from genviewer.core.spec import ConditionSpec, Spec
    from genviewer.engine.bayes import Beliefs
    from genviewer.engine.bayes_reference import Reference
    from genviewer.engine.density_results import Likelihoods

LISTED = 40
"""Images that a text lists; the rest is in its last lines, and in the JSON."""


def likelihood_document(
    seen: Inspected, found: Likelihoods, usual: Reference | None = None
) -> list[dict[str, Any]]:
    """The document of ``likelihood --json``; a standard error that is not known is null.

    With a reference, ``percentile`` is the share of it in percent that is less likely.
    """
    columns = zip(
        seen.entries, found.elbo, found.log_px, found.stderr, found.bits_per_dim, strict=True
    )
    document = [
        {
            **entry,
            "elbo": float(elbo),
            "log_px": float(log_px),
            "stderr": float(error) if math.isfinite(error) else None,
            "bits_per_dim": float(bits),
        }
        for entry, elbo, log_px, error, bits in columns
    ]
    if usual is not None:
        shares = percentile(usual.log_px, found.log_px)
        for row, share in zip(document, shares, strict=True):
            row["percentile"] = float(share)
    return document


def likelihood_text(
    seen: Inspected, found: Likelihoods, spec: Spec, usual: Reference | None = None
) -> str:
    """The bounds as a table for a person, and what they are of."""
    shares = None if usual is None else 100.0 - percentile(usual.log_px, found.log_px)
    lines = ["    elbo    log p(x)   +-     bits/dim  image"]
    for index in range(min(LISTED, len(seen.entries))):
        error = found.stderr[index]
        strange = "" if shares is None else f"  stranger than {shares[index]:.1f} %"
        lines.append(
            f"{found.elbo[index]:9.2f} {found.log_px[index]:9.2f} "
            f"{f'{error:6.3f}' if math.isfinite(error) else '     -'} "
            f"{found.bits_per_dim[index]:9.4f}  {name_of(seen.entries[index])}{strange}"
        )
    if len(seen.entries) > LISTED:
        lines.append(f"... and {len(seen.entries) - LISTED:,} more, which --json lists")
    if len(seen.entries) > 1:
        spread = float(np.std(found.log_px, ddof=1)) / math.sqrt(len(found.log_px))
        lines.append(
            f"mean of {len(seen.entries):,}: ELBO {found.elbo.mean():.3f} "
            f"(reconstruction {found.reconstruction.mean():.3f}, KL {found.kl.mean():.3f}), "
            f"log p(x) {found.log_px.mean():.3f} +- {spread:.3f}, "
            f"{found.bits_per_dim.mean():.4f} bits/dim"
        )
    lines.append(f"in nats, lower bounds of {found.samples} samples; {found.measure}")
    if spec.class_condition is not None:
        lines.append("p(x) is over all classes, each as probable as the others")
    if usual is not None:
        lines.append(f"compared with {len(usual.log_px)} of {usual.name}")
    return "\n".join(lines)


def classes_document(
    seen: Inspected,
    found: Beliefs,
    condition: ConditionSpec,
    usual: Reference,
    share: float,
    others: Sequence[Against] = (),
) -> dict[str, Any]:
    """The document of ``classify --json``; ``against`` is in it where that was asked for."""
    log_px = found.likelihoods.log_px
    rejected = usual.rejected(log_px, outlines_of(seen.images), share)
    columns = zip(seen.entries, found.posterior, log_px, rejected, strict=True)
    document: dict[str, Any] = {
        "classes": [condition.label(index) for index in range(condition.size)],
        "images": [
            {
                **entry,
                "posterior": [float(p) for p in posterior],
                "log_px": float(log_px),
                "rejected": bool(outlier),
            }
            for entry, posterior, log_px, outlier in columns
        ],
    }
    if others:
        document["against"] = [asdict(other) for other in others]
    return document


def classes_text(
    seen: Inspected,
    found: Beliefs,
    condition: ConditionSpec,
    usual: Reference,
    share: float,
    others: Sequence[Against] = (),
) -> str:
    """The classes as a table for a person, accuracy where the truth is known, what is rejected."""
    log_px, best, undecided = found.likelihoods.log_px, found.best, found.entropy
    outlines = outlines_of(seen.images)
    rejected = usual.rejected(log_px, outlines, share)
    strange = 100.0 - percentile(np.sort(usual.own), usual.adjusted(log_px, outlines))
    lines = ["class         p(y|x)  entropy   log p(x)  stranger than  image"]
    for index in range(min(LISTED, len(seen.entries))):
        label = condition.label(int(best[index]))
        note = "  rejected" if rejected[index] else ""
        lines.append(
            f"{label[:12]:12s} {found.posterior[index, best[index]]:7.4f} "
            f"{undecided[index]:8.4f} {log_px[index]:10.2f} {strange[index]:12.1f} %  "
            f"{name_of(seen.entries[index])}{note}"
        )
    if len(seen.entries) > LISTED:
        lines.append(f"... and {len(seen.entries) - LISTED:,} more, which --json lists")
    if seen.labels is not None:
        right = int((best == seen.labels).sum())
        lines.append(f"accuracy: {right / len(best):.2%} ({right:,} of {len(best):,})")
    if len(seen.entries) > 1:
        lines.append(f"rejected: {int(rejected.sum()):,} of {len(rejected):,}")
    alike = "" if usual.outlines is None else ", for as much outline"
    lines.append(
        f"in nats; rejected is what is less likely than {1.0 - share:.1%} of "
        f"{len(usual.log_px)} of {usual.name}{alike}"
    )
    lines += [
        f"{other.images:,} of {other.source}: rejected {other.rejected:.1%}, "
        f"AUROC {other.auroc:.3f} (by log p(x) alone {other.auroc_log_px:.3f})"
        for other in others
    ]
    return "\n".join(lines)


def name_of(entry: dict[str, str | int]) -> str:
    """What to call an image in a text."""
    return str(entry["file"]) if "file" in entry else f"#{entry['index']}"
