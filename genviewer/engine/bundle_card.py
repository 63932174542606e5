"""The model card of a bundle: what it is, where it is from, what was assumed, how to use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genviewer.core.spec import ConditionSpec
    from genviewer.io.bundle import Config

MAX_TEXT = 200
NAMES_SHOWN = 20
_HARMLESS = str.maketrans({"<": "&lt;", ">": "&gt;", "|": "/", "`": "'"})


def card(config: Config, decoder: str | None) -> str:
    """Markdown with the Hub's front matter.

    Args:
        config: the bundle's.
        decoder: the name of the decoder's ONNX file in the bundle, if there is one.
    """
    spec = config.spec
    low, high = spec.image.range
    lines = [
        "---",
        "library_name: genviewer",
        "tags:",
        "- genviewer",
        f"- {spec.family}",
        *(["- onnx"] if decoder else []),
        "---",
        "",
        f"# {_plain(spec.name)}",
        "",
        f"- **Latent**: {spec.latent.dim} dimensions, {spec.latent.prior} prior",
        f"- **Picture**: {spec.image.width} x {spec.image.height}, {spec.image.channels} "
        f"channel(s), raw values from {low:g} to {high:g}",
    ]
    lines += [f"- **Condition** {_condition(condition)}" for condition in spec.conditions]
    if spec.encoder:
        lines.append("- **Encoder**: pictures to latents")
    lines += _section(
        "Where it is from", [f"{k}: {_plain(v)}" for k, v in config.provenance.items()]
    )
    lines += _section(
        "Assumed, since the weights do not say it",
        [
            f"{_plain(a.field)}: {_plain(a.value)} (confidence {a.confidence:.0%})"
            for a in config.assumptions
        ],
    )
    lines += _section("Notes", [_plain(sentence) for sentence in config.warnings])
    lines += ["", "## How to open it", "", "```", "genviewer FOLDER", "```"]
    if decoder:
        lines += ["", *_usage(config, decoder)]
    return "\n".join(lines) + "\n"


def _usage(config: Config, decoder: str) -> list[str]:
    spec = config.spec
    feed = '{"z": z}'
    lines = [
        "Its decoder runs without genviewer, too:",
        "",
        "```python",
        "import numpy, onnxruntime",
        "",
        f'session = onnxruntime.InferenceSession("{decoder}")',
        f"z = numpy.random.randn(1, {spec.latent.dim}).astype(numpy.float32)",
    ]
    if spec.condition_size:
        lines.append(f"y = numpy.eye({spec.condition_size}, dtype=numpy.float32)[:1]")
        feed = '{"z": z, "y": y}'
    return [*lines, f'raw, pixels = session.run(["raw", "pixels"], {feed})', "```"]


def _section(title: str, items: list[str]) -> list[str]:
    return ["", f"## {title}", "", *(f"- {item}" for item in items)] if items else []


def _condition(condition: ConditionSpec) -> str:
    text = f"{_plain(condition.name)}: {condition.size} ({condition.kind})"
    if condition.names:
        more = ", .." if condition.size > NAMES_SHOWN else ""
        text += ": " + ", ".join(_plain(name) for name in condition.names[:NAMES_SHOWN]) + more
    return text


def _plain(value: Any) -> str:
    """One line without what Markdown or HTML would act on."""
    text = " ".join(str(value).split())[:MAX_TEXT]
    return text.translate(_HARMLESS)
