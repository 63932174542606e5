"""Models on the Hugging Face Hub: ``hf://owner/name[@revision]``.

Only the files that a model is opened from are downloaded, their sizes looked at first, into the
Hub's own cache; without a network what is in the cache is used. What was downloaded in part only
counts as not there.
"""

from __future__ import annotations

import logging
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from genviewer.io.atomic import write_bytes
from genviewer.io.bundle import CONFIG_NAME, DISCRIMINATOR_NAME, WEIGHTS_NAME, BundleError
from genviewer.io.cancelling import check_cancelled, current_cancels
from genviewer.io.downloading import ASK_ABOVE_BYTES, current_downloads, size_in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Choice = Callable[["HubName", Iterable[str]], list[str]]

PREFIX, DATA_PREFIX = "hf://", "hf-data://"
POLL_S = 0.1
_log = logging.getLogger(__name__)
_UNFINISHED = ".genviewer-unfinished-"
"""Begins the name of a file beside the snapshots that says of one that it is not whole."""

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


class LargeDownloadError(HubError):
    """A download that nobody has agreed to; ``size`` is in bytes."""

    def __init__(self, name: HubName, size: int, how: str) -> None:
        super().__init__(f"{name} is {size_in_words(size)} to download: {how}.")
        self.name, self.size = name, size


def refused_download(error: BaseException | None) -> LargeDownloadError | None:
    """The download for want of which there was an error, if it was that."""
    while error is not None and not isinstance(error, LargeDownloadError):
        error = error.__cause__
    return error


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
            key=lambda name: (
                name == DISCRIMINATOR_NAME,
                _SUFFIXES.index("." + name.rpartition(".")[2]),
                name,
            ),
        )
        known = others[:1]
    if not known:
        return []
    wanted = {known[0], *(name for name in _SIDECARS if name in top)}
    if {CONFIG_NAME, WEIGHTS_NAME} <= wanted and DISCRIMINATOR_NAME in top:
        wanted.add(DISCRIMINATOR_NAME)  # it may be a bundle; of others it is not asked for
    return sorted(wanted)


def fetch(text: str) -> Path:
    """The folder of a model of the Hub on this machine, downloaded where it was not there.

    A repository of a single file of weights is that file. Takes as long as the download; any
    thread. Imports huggingface_hub. :mod:`genviewer.io.downloading` says around it whether a large
    one was agreed to, :mod:`genviewer.io.cancelling` by whom it is cancelled.

    Args:
        text: ``hf://owner/name[@revision]``.

    Raises:
        LargeDownloadError: nobody has agreed to so much.
        HubError: no such model, no network, or nothing in it that can be opened.
    """
    folder = download(parse_name(text), _wanted)
    files = [path for path in folder.iterdir() if path.name not in (".gitattributes", "README.md")]
    return files[0] if len(files) == 1 and files[0].is_file() else folder


def _wanted(name: HubName, names: Iterable[str]) -> list[str]:
    wanted = wanted_files(names)
    if not wanted:
        raise HubError(f"{name} has no file that holds a model of pictures.")
    return wanted


def download(name: HubName, wanted: Choice) -> Path:
    """The folder of a repository on this machine, with the files that are wanted of it.

    Args:
        name: the repository.
        wanted: which of the files with these names to download; what it raises as a HubError is
            raised.

    Raises:
        LargeDownloadError: nobody has agreed to so much.
        HubError: it cannot be had.
    """
    try:
        from huggingface_hub import constants
    except ImportError as error:
        raise HubError(_told(name, error)) from error
    if constants.HF_HUB_OFFLINE:
        return cached(name, wanted)
    found = _asked(name)
    if isinstance(found, Exception):
        if _no_network(found):
            return cached(name, wanted)
        raise HubError(_told(name, found)) from found
    chosen = wanted(name, found.files)
    return _bring(name, found, {file: found.files[file] for file in chosen})


@dataclass(frozen=True)
class _Listing:
    """A revision of a repository: its files with their sizes in bytes."""

    sha: str
    files: dict[str, int]


def _asked(name: HubName) -> _Listing | Exception:
    """What the Hub says of a repository, or what the client raised; ends at once when cancelled."""
    import huggingface_hub

    answer: _Listing | Exception = TimeoutError()

    def ask() -> None:
        nonlocal answer
        try:
            hub = huggingface_hub.HfApi()
            info_of = hub.model_info if name.kind == "model" else hub.dataset_info
            info = info_of(name.repo, revision=name.revision, files_metadata=True, timeout=20)
            sizes = {item.rfilename: item.size or 0 for item in info.siblings or ()}
            answer = _Listing(str(info.sha), sizes)
        except Exception as error:  # the client's and those of its transport share no class
            answer = error

    if current_cancels() is None:
        ask()
        return answer
    asking = threading.Thread(target=ask, name="genviewer-hub", daemon=True)
    asking.start()
    while asking.is_alive():
        check_cancelled()
        asking.join(POLL_S)
    return answer


def _bring(name: HubName, found: _Listing, files: dict[str, int]) -> Path:
    """The folder of a snapshot, with those of these files fetched that are not there."""
    from huggingface_hub import constants

    from genviewer.io.hub_download import FetchError, Wanted, fetch_files

    wanted = Wanted(name.repo, name.kind, found.sha, str(constants.HF_HUB_CACHE), files)
    folder = wanted.place / "snapshots" / found.sha
    missing = {file: size for file, size in files.items() if not (folder / file).is_file()}
    size, downloads = sum(missing.values()), current_downloads()
    if size > ASK_ABOVE_BYTES and not downloads.agreed:
        raise LargeDownloadError(name, size, downloads.how)
    unfinished = wanted.place / f"{_UNFINISHED}{found.sha}"
    try:
        if missing:
            write_bytes(unfinished, b"")
            fetch_files(msgspec.structs.replace(wanted, files=missing))
        if name.revision != found.sha:  # by which it is found without a network
            write_bytes(Path(f"{wanted.place}/refs/{name.revision or 'main'}"), found.sha.encode())
        unfinished.unlink(missing_ok=True)
    except (FetchError, OSError) as error:
        raise HubError(_told(name, error)) from error
    return folder


def cached(name: HubName, wanted: Choice) -> Path:
    """The newest snapshot in the Hub's cache on this machine, if it has all that is ``wanted``.

    Raises:
        HubError: there is none.
    """
    import huggingface_hub

    try:
        folder = Path(
            huggingface_hub.snapshot_download(
                name.repo,
                repo_type=name.kind,
                revision=name.revision,
                local_files_only=True,
                allow_patterns=[],  # or it would miss the files that are never wanted
            )
        )
    except Exception as error:  # as in _asked
        raise HubError(
            f"{name} is not in the cache on this machine, and the Hub cannot be reached."
        ) from error
    names = _names(name, folder)
    missing = [file for file in wanted(name, names) if not (folder / file).is_file()]
    if missing or (folder.parent.parent / f"{_UNFINISHED}{folder.name}").exists():
        raise HubError(
            f"{name} was downloaded in part only, and the Hub cannot be reached for the rest."
        )
    return folder


def _names(name: HubName, folder: Path) -> list[str]:
    """The files of a snapshot, those too that are not there, as far as the client's cache knows."""
    import huggingface_hub

    listing = getattr(huggingface_hub, "get_cached_repo_tree", None)  # of newer clients
    try:
        if listing is not None:
            tree = listing(name.repo, repo_type=name.kind, revision=folder.name)
            return [item.path for item in tree]
    except Exception:  # it has none of this snapshot; as in _asked
        _log.debug("No listing of %s is in the cache.", name, exc_info=True)
    paths = (path for path in folder.rglob("*") if not path.is_dir())
    return [path.relative_to(folder).as_posix() for path in paths]


def _no_network(error: Exception) -> bool:
    """Whether an error of the Hub's client says that the Hub cannot be reached."""
    names = _kinds(error)
    return bool(
        names & {"ConnectionError", "ConnectError", "TimeoutException", "Timeout", "NetworkError"}
        | names & {"OfflineModeIsEnabled", "LocalEntryNotFoundError", "ProxyError", "SSLError"}
    )


def _kinds(error: Exception) -> set[str]:
    """The names of an error's classes, also of one that was raised in the fetching process."""
    return set(getattr(error, "kinds", ())) or {kind.__name__ for kind in type(error).__mro__}


def _told(name: HubName, error: Exception) -> str:
    """An error of the Hub's client as a sentence."""
    what = "model" if name.kind == "model" else "data set"
    kinds = _kinds(error)
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
