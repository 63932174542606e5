"""What `models`, `info` and `bench` tell, as JSON documents and as text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from genviewer.io.bundle import BundleError, open_bundle
from genviewer.io.library import bundled_paths
from genviewer.session.paths import UserFiles
from genviewer.session.recent import load_recent

if TYPE_CHECKING:
    from genviewer.core.spec import ConditionSpec
    from genviewer.io.bundle import Bundle

NAMES_SHOWN = 12


def info_document(bundle: Bundle) -> dict[str, Any]:
    """The JSON document of `info --json`."""
    spec = bundle.spec
    return {
        "name": spec.name,
        "reader": bundle.reader,
        "family": spec.family,
        "model_id": bundle.model_id,
        "weights_sha256": bundle.weights_sha256,
        "parameters": bundle.parameters,
        "latent": {
            "dim": spec.latent.dim,
            "prior": spec.latent.prior,
            "spaces": list(spec.latent.spaces),
        },
        "conditions": [
            {
                "name": condition.name,
                "kind": condition.kind,
                "size": condition.size,
                "names": None if condition.names is None else list(condition.names),
            }
            for condition in spec.conditions
        ],
        "image": {
            "channels": spec.image.channels,
            "height": spec.image.height,
            "width": spec.image.width,
            "range": list(spec.image.range),
        },
        "encoder": spec.encoder,
        "density": spec.density,
        "discriminator": spec.discriminator,
        "truncation": spec.truncation,
        "assumptions": [
            {
                "field": assumption.field,
                "value": assumption.value,
                "confidence": round(assumption.confidence, 3),
                "alternatives": list(assumption.alternatives),
            }
            for assumption in bundle.config.assumptions
        ],
        "warnings": list(bundle.config.warnings),
    }


def info_text(bundle: Bundle) -> str:
    """The same for people."""
    spec = bundle.spec
    image = spec.image
    low, high = image.range
    answers = {
        "encode": spec.encoder,
        "likelihood": spec.density,
        "discriminate": spec.discriminator,
        "truncate": spec.truncation,
    }
    rows = {
        "name": spec.name,
        "family": spec.family,
        "model id": bundle.model_id,
        "weights": f"{bundle.parameters:,} parameters, sha256 {bundle.weights_sha256}",
        "latent": f"{spec.latent.dim} dimensions, {spec.latent.prior} prior, "
        f"spaces {', '.join(spec.latent.spaces)}",
        "image": f"{image.width} x {image.height}, {image.channels} channel(s), "
        f"range {low:g} to {high:g}",
        "can": ", ".join(["decode", *(name for name, able in answers.items() if able)]),
        "reader": bundle.reader,
        "file": str(bundle.path),
    }
    for condition in spec.conditions:
        rows[f"condition {condition.name}"] = _condition_text(condition)
    for assumption in bundle.config.assumptions:
        others = ", ".join(str(other) for other in assumption.alternatives)
        rows[f"assumed {assumption.field}"] = (
            f"{assumption.value} ({assumption.confidence:.0%} sure)"
            + (f", or {others}" if others else "")
        )
    for number, warning in enumerate(bundle.config.warnings, 1):
        rows[f"warning {number}"] = warning
    width = max(len(name) for name in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows.items())


def _condition_text(condition: ConditionSpec) -> str:
    count = f"{condition.size} {'classes' if condition.kind == 'class' else condition.kind}"
    if condition.optional:
        count += ", may be left empty"
    if condition.names is None:
        return count
    more = ", .." if condition.size > NAMES_SHOWN else ""
    return f"{count}: {', '.join(condition.names[:NAMES_SHOWN])}{more}"


def models_document() -> list[dict[str, Any]]:
    """The JSON document of `models --json`: one object per bundled or lately opened model.

    A model that cannot be opened has ``error`` in the place of what it can do.
    """
    bundled = bundled_paths()
    entries = [_model_entry(path, path.name, "bundled") for path in bundled]
    for recent in load_recent(UserFiles.default().recent).models:
        path = Path(recent.path)
        if path.is_dir() and path not in bundled:
            entries.append(_model_entry(path, recent.name, "recent"))
    return entries


def _model_entry(path: Path, name: str, origin: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": name, "origin": origin, "path": str(path)}
    try:
        document = info_document(open_bundle(path))
    except BundleError as error:
        return entry | {"error": str(error)}
    kept = ("model_id", "family", "parameters", "latent", "conditions", "image")
    return entry | {key: document[key] for key in kept}


def models_text() -> str:
    """The same for people, one line per model."""
    lines = []
    for entry in models_document():
        if "error" in entry:
            lines.append(f"{entry['name']:<24}  cannot be opened: {entry['error']}")
            continue
        image, conditions = entry["image"], entry["conditions"]
        given = ", ".join(f"{c['size']} {c['name']}" for c in conditions) or "unconditional"
        lines.append(
            f"{entry['name']:<24}  {entry['family']:<4}  {image['width']}x{image['height']}  "
            f"latent {entry['latent']['dim']:<4}  {given}"
            f"{'' if entry['origin'] == 'bundled' else '  ' + entry['path']}"
        )
    return "\n".join(lines)


def bench_text(document: dict[str, Any]) -> str:
    """The document of `bench` for people: the machine, then one line per figure."""
    lines = [f"{name:<12}  {value}" for name, value in document["machine"].items()]
    lines.append("")
    for result in document["results"]:
        ratio = "" if result["ratio"] is None else f"{result['ratio']:.2f}x"
        value = f"{result['value']:.4g} {result['unit']}"
        verdict = {True: "met", False: "MISSED", None: ""}[result["met"]]
        lines.append(
            f"{result['name']:<34}  {result['model']:<18}  {value:>14}  {ratio:>8}  "
            f"{result['target']:<14}  {verdict}".rstrip()
        )
    return "\n".join(lines)
