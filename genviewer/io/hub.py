"""Models on the Hugging Face Hub: ``hf://owner/name[@revision]``.

Only the files that a model is opened from are downloaded, their sizes looked at first, into the
Hub's own cache; without a network what is in the cache is used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from genviewer.io.bundle import BundleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PREFIX, DATA_PREFIX = "hf://", "hf-data://"
ASK_ABOVE_BYTES = 500_000_000
_NAME = re.compile(r"hf://(?P<repo>[\w.-]+(?:/[\w.-]+)?)(?:@(?P<revision>[\w./-]+))?", re.ASCII)
_WEIGHTS = (
    "model.safetensors", "diffusion_pytorch_model.safetensors", "pytorch_model.bin",
    "diffusion_pytorch_model.bin", "model.pt", "model.pth", "decoder.onnx", "model.onnx",
)  # fmt: skip
"""The files that hold weights, best first."""

_SIDECARS = (
    "config.json", "README.md", "preview.png", "model_config.json", "environment.json",
    "specs.json", "hparams.yaml", "decoder.onnx", "encoder.onnx",
)  # fmt: skip
_SUFFIXES = (".safetensors", ".onnx", ".pt", ".pth", ".ckpt", ".bin", ".pkl")


class HubError(BundleError):
    """What cannot be had of the Hub; the message is one sentence for the user."""


@dataclass(frozen=True)
class HubName:
    """A repository, what revision of it, and what it holds."""

    repo: str
    revision: str | None
    kind: Literal["model", "dataset"] = "model"

    def __str__(self) -> str:
        prefix = PREFIX if self.kind == "model" else DATA_PREFIX
        return f"{prefix}{self.repo}{f'@{self.revision}' if self.revision else ''}"


def parse_name(text: str) -> HubName:
    """``hf://owner/name[@revision]`` in parts.

    Raises:
        HubError: if it is none.
    """
    match = _NAME.fullmatch(text)
    if match is None or ".." in text:
        raise HubError(f"{text[:80]!r} is no name on the Hub: write hf://owner/name[@revision].")
    return HubName(match["repo"], match["revision"])


def wanted_files(names: Iterable[str]) -> list[str]:
    """Which files of a repository a model is opened from; empty if there is none.

    The sidecars, and one file of weights: a usual name, else the only one that could be.
    """
    top = [name for name in names if "/" not in name]
    known = [name for name in _WEIGHTS if name in top]
    if not known:
        others = sorted(
            (name for name in top if name.endswith(_SUFFIXES)),
            key=lambda name: (_SUFFIXES.index("." + name.rpartition(".")[2]), name),
        )
        known = others[:1]
    if not known:
        return []
    return sorted({known[0], *(name for name in _SIDECARS if name in top)})


def fetch(text: str, confirm: Callable[[str], bool] | None = None) -> Path:
    """The folder of a model of the Hub on this machine, downloaded where it was not there.

    A repository of a single file of weights is that file. Takes as long as the download; any
    thread. Imports huggingface_hub.

    Args:
        text: ``hf://owner/name[@revision]``.
        confirm: is asked whether to download more than 500 MB; None takes it as a yes.

    Raises:
        HubError: no such model, no network, or nothing in it that can be opened.
    """
    folder = download(parse_name(text), _wanted, confirm)
    files = [path for path in folder.iterdir() if path.name not in (".gitattributes", "README.md")]
    return files[0] if len(files) == 1 and files[0].is_file() else folder


def _wanted(name: HubName, names: Iterable[str]) -> list[str]:
    wanted = wanted_files(names)
    if not wanted:
        raise HubError(f"{name} has no file that holds a model of pictures.")
    return wanted


def download(
    name: HubName,
    wanted: Callable[[HubName, Iterable[str]], list[str]],
    confirm: Callable[[str], bool] | None,
) -> Path:
    """The folder of a repository on this machine, with the files that are wanted of it.

    Args:
        name: the repository.
        wanted: which of the files with these names to download; what it raises as a HubError is
            raised.
        confirm: as of :func:`fetch`.

    Raises:
        HubError: it cannot be had.
    """
    try:
        return _download(name, wanted, confirm)
    except HubError:
        raise
    except Exception as error:  # the client's errors and those of its transport share no class
        raise HubError(_told(name, error)) from error


def _download(
    name: HubName,
    wanted: Callable[[HubName, Iterable[str]], list[str]],
    confirm: Callable[[str], bool] | None,
) -> Path:
    import huggingface_hub
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return cached(name)
    hub = huggingface_hub.HfApi()
    ask = hub.model_info if name.kind == "model" else hub.dataset_info
    try:
        info = ask(name.repo, revision=name.revision, files_metadata=True, timeout=20)
    except Exception as error:
        if _no_network(error):
            return cached(name)
        raise
    sizes = {item.rfilename: item.size or 0 for item in info.siblings or ()}
    chosen = wanted(name, sizes)
    total = sum(sizes[file] for file in chosen)
    if total > ASK_ABOVE_BYTES and confirm is not None:
        question = f"{name} is {total / 1e6:,.0f} MB to download. Download it?"
        if not confirm(question):
            raise HubError(f"{name} was not downloaded.")
    folder = huggingface_hub.snapshot_download(
        name.repo,
        repo_type=name.kind,
        revision=info.sha or name.revision,
        allow_patterns=[_literal(file) for file in chosen],
    )
    return Path(folder)


def _literal(name: str) -> str:
    """A pattern that matches this name alone."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def cached(name: HubName) -> Path:
    """The newest snapshot in the Hub's cache on this machine; HubError if there is none."""
    import huggingface_hub

    try:
        folder = huggingface_hub.snapshot_download(
            name.repo, repo_type=name.kind, revision=name.revision, local_files_only=True
        )
    except Exception as error:  # as in download
        raise HubError(
            f"{name} is not in the cache on this machine, and the Hub cannot be reached."
        ) from error
    return Path(folder)


def _no_network(error: Exception) -> bool:
    """Whether an error of the Hub's client says that the Hub cannot be reached."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(
        names & {"ConnectionError", "ConnectError", "TimeoutException", "Timeout", "NetworkError"}
        | names & {"OfflineModeIsEnabled", "LocalEntryNotFoundError", "ProxyError", "SSLError"}
    )


def _told(name: HubName, error: Exception) -> str:
    """An error of the Hub's client as a sentence."""
    what = "model" if name.kind == "model" else "data set"
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "GatedRepoError" in kinds:
        return f"{name} asks for an agreement on the Hub first; log in with `hf auth login`."
    if "RepositoryNotFoundError" in kinds:
        return f"There is no {what} {name} on the Hub, or it is private."
    if "RevisionNotFoundError" in kinds:
        return f"{name} has no such revision on the Hub."
    if isinstance(error, ImportError):
        return f"A {what} of the Hub needs huggingface_hub: pip install huggingface_hub."
    if _no_network(error):
        return f"{name} cannot be fetched: the Hub cannot be reached."
    reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
    return f"{name} cannot be fetched: {reason}"
