"""Data sets on the Hugging Face Hub: ``hf-data://owner/name[@revision]``.

Only files that images are read from are downloaded, into the Hub's own cache; without a network
what is in the cache is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genviewer.io.dataset_arrays import is_idx
from genviewer.io.dataset_csv import is_picture
from genviewer.io.dataset_values import DataError
from genviewer.io.hub import ASK_ABOVE_BYTES, HubError, no_network, parse_name, told
from genviewer.io.hub import PREFIX as MODEL_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PREFIX = "hf-data://"
_SUFFIXES = (".zip", ".npz", ".csv")


@dataclass(frozen=True)
class HubData:
    """A repository of data and what revision of it."""

    repo: str
    revision: str | None

    def __str__(self) -> str:
        return f"{PREFIX}{self.repo}{f'@{self.revision}' if self.revision else ''}"


def parse_data_name(text: str) -> HubData:
    """``hf-data://owner/name[@revision]`` in parts.

    Raises:
        DataError: if it is none.
    """
    try:
        if not text.startswith(PREFIX):
            raise HubError("it begins otherwise")
        name = parse_name(MODEL_PREFIX + text.removeprefix(PREFIX))
    except HubError as error:
        raise DataError(
            f"{text[:80]!r} is no data set on the Hub: write {PREFIX}owner/name[@revision]."
        ) from error
    return HubData(name.repo, name.revision)


def wanted_data(names: Iterable[str]) -> list[str]:
    """Which files of a repository hold images or their classes; empty if there are none."""
    return [
        name
        for name in names
        if is_picture(name) or name.lower().endswith(_SUFFIXES) or is_idx(name)
    ]


def fetch_data(text: str, confirm: Callable[[str], bool] | None = None) -> Path:
    """The folder of a data set of the Hub on this machine, downloaded where it was not there.

    Takes as long as the download; any thread. Imports huggingface_hub.

    Args:
        text: ``hf-data://owner/name[@revision]``.
        confirm: is asked whether to download more than 500 MB; None takes it as a yes.

    Raises:
        DataError: no such data set, no network, or no files in it that are read here.
    """
    name = parse_data_name(text)
    try:
        return _download(name, confirm)
    except DataError:
        raise
    except Exception as error:  # the client's errors and those of its transport share no class
        raise DataError(told(str(name), "data set", error)) from error


def cached_data(text: str) -> Path:
    """The folder of a data set of the Hub as it was downloaded last; downloads nothing.

    Raises:
        DataError: it is not on this machine.
    """
    name = parse_data_name(text)
    try:
        return _cached(name)
    except DataError as error:
        raise DataError(
            f"{name} is not on this machine: download it with "
            f"`hf download {name.repo} --repo-type dataset`."
        ) from error


def _download(name: HubData, confirm: Callable[[str], bool] | None) -> Path:
    import huggingface_hub
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return _cached(name)
    try:
        info = huggingface_hub.HfApi().dataset_info(
            name.repo, revision=name.revision, files_metadata=True, timeout=20
        )
    except Exception as error:
        if no_network(error):
            return _cached(name)
        raise
    sizes = {item.rfilename: item.size or 0 for item in info.siblings or ()}
    wanted = wanted_data(sizes)
    if not wanted:
        parquet = any(file.endswith(".parquet") for file in sizes)
        raise DataError(
            f"{name} keeps its images in Parquet tables, which are not read: save them as a "
            "folder of images."
            if parquet
            else f"{name} has no images, and no zip, npz, csv or idx file."
        )
    total = sum(sizes[file] for file in wanted)
    if total > ASK_ABOVE_BYTES and confirm is not None:
        question = f"{name} is {total / 1e6:,.0f} MB to download. Download it?"
        if not confirm(question):
            raise DataError(f"{name} was not downloaded.")
    folder = huggingface_hub.snapshot_download(
        name.repo,
        repo_type="dataset",
        revision=info.sha or name.revision,
        allow_patterns=[_literal(file) for file in wanted],
    )
    return Path(folder)


def _literal(name: str) -> str:
    """A pattern that matches this name alone."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _cached(name: HubData) -> Path:
    """The newest snapshot in the Hub's cache on this machine."""
    import huggingface_hub

    try:
        folder = huggingface_hub.snapshot_download(
            name.repo, repo_type="dataset", revision=name.revision, local_files_only=True
        )
    except Exception as error:  # as in fetch_data
        raise DataError(
            f"{name} is not in the cache on this machine, and the Hub cannot be reached."
        ) from error
    return Path(folder)
