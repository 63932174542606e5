"""Data sets on the Hugging Face Hub: ``hf-data://owner/name[@revision]``.

Only files that images are read from are downloaded, into the Hub's own cache; without a network
what is in the cache is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genviewer.io.dataset_arrays import is_idx
from genviewer.io.dataset_csv import is_picture
from genviewer.io.dataset_values import DataError
from genviewer.io.hub import DATA_PREFIX, PREFIX, HubError, HubName, cached, download, parse_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_SUFFIXES = (".zip", ".npz", ".csv")


def parse_data_name(text: str) -> HubName:
    """``hf-data://owner/name[@revision]`` in parts.

    Raises:
        DataError: if it is none.
    """
    try:
        if not text.startswith(DATA_PREFIX):
            raise HubError("it begins otherwise")
        name = parse_name(PREFIX + text.removeprefix(DATA_PREFIX))
    except HubError as error:
        raise DataError(
            f"{text[:80]!r} is no data set on the Hub: write {DATA_PREFIX}owner/name[@revision]."
        ) from error
    return HubName(name.repo, name.revision, "dataset")


def wanted_data(names: Iterable[str]) -> list[str]:
    """Which files of a repository hold images or their classes; empty if there are none."""
    return [
        name
        for name in names
        if is_picture(name) or name.lower().endswith(_SUFFIXES) or is_idx(name)
    ]


def fetch_data(text: str) -> Path:
    """The folder of a data set of the Hub on this machine, downloaded where it was not there.

    Takes as long as the download; any thread. Imports huggingface_hub. What is agreed to, told and
    cancelled is as of :func:`genviewer.io.hub.fetch`.

    Args:
        text: ``hf-data://owner/name[@revision]``.

    Raises:
        DataError: no such data set, no network, no files in it that are read here, or a download
            that nobody agreed to (:func:`genviewer.io.hub.refused_download` tells).
    """
    try:
        return download(parse_data_name(text), _wanted)
    except HubError as error:
        raise DataError(str(error)) from error


def cached_data(text: str) -> Path:
    """The folder of a data set of the Hub as it was downloaded last; downloads nothing.

    Raises:
        DataError: it is not on this machine.
    """
    name = parse_data_name(text)
    try:
        return cached(name, _wanted)
    except HubError as error:
        raise DataError(
            f"{name} is not on this machine: download it with "
            f"`hf download {name.repo} --repo-type dataset`."
        ) from error


def _wanted(name: HubName, names: Iterable[str]) -> list[str]:
    wanted = wanted_data(names)
    if wanted:
        return wanted
    if any(file.endswith(".parquet") for file in names):
        raise HubError(
            f"{name} keeps its images in Parquet tables, which are not read: save them as PNG "
            "files in a folder for each class, and name the folder that these are in."
        )
    raise HubError(f"{name} has no images, and no zip, npz, csv or idx file.")
