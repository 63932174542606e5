"""Data sets on the Hugging Face Hub: ``hf-data://owner/name[/folder][@revision]``.

Only files that images are read from are downloaded, into the Hub's own cache; without a network
what is in the cache is used.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from genviewer.io.dataset_arrays import is_idx
from genviewer.io.dataset_csv import is_picture
from genviewer.io.dataset_parquet import MISSING, can_read_tables
from genviewer.io.dataset_shards import choose_shards, is_shard, is_table
from genviewer.io.dataset_values import DataError
from genviewer.io.hub import DATA_PREFIX, PREFIX, HubError, HubName, cached, download, parse_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_SUFFIXES = (".zip", ".npz", ".csv")
_NAME = re.compile(r"(?P<repo>[^/@]+(?:/[^/@]+)?)(?P<folder>(?:/[^/@\\]+)*)(?P<revision>@.*)?")


def parse_data_name(text: str) -> tuple[HubName, str]:
    """``hf-data://owner/name[/folder][@revision]`` in parts; the folder may be empty.

    Raises:
        DataError: if it is none.
    """
    match = _NAME.fullmatch(text.removeprefix(DATA_PREFIX))
    try:
        if match is None or not text.startswith(DATA_PREFIX) or ".." in text:
            raise HubError("it is written otherwise")
        name = parse_name(PREFIX + match["repo"] + (match["revision"] or ""))
    except HubError as error:
        raise DataError(
            f"{text[:80]!r} is no data set on the Hub: write "
            f"{DATA_PREFIX}owner/name[/folder][@revision]."
        ) from error
    return HubName(name.repo, name.revision, "dataset"), match["folder"].strip("/")


def wanted_data(names: Iterable[str], place: str = "") -> list[str]:
    """Which files of a repository hold images or their classes; empty if there are none.

    Of Parquet tables those that are read. Beside what was uploaded as tables nothing else is
    wanted: pictures there are previews, and archives what the tables were made of.

    Args:
        names: of all files.
        place: what to call the repository in an error.

    Raises:
        DataError: there are several configurations of tables.
    """
    names = list(names)
    tables = [name for name in names if is_table(name)]
    chosen = choose_shards(tables, place).names if tables else []
    if chosen and all(map(is_shard, chosen)):
        return chosen
    return [
        name
        for name in names
        if is_picture(name) or name.lower().endswith(_SUFFIXES) or is_idx(name) or name in chosen
    ]


def fetch_data(text: str) -> Path:
    """The folder of a data set of the Hub on this machine, downloaded where it was not there.

    Takes as long as the download; any thread. Imports huggingface_hub. What is agreed to, told and
    cancelled is as of :func:`genviewer.io.hub.fetch`.

    Args:
        text: ``hf-data://owner/name[/folder][@revision]``.

    Raises:
        DataError: no such data set, no network, no files in it that are read here, or a download
            that nobody agreed to (:func:`genviewer.io.hub.refused_download` tells).
    """
    name, folder = parse_data_name(text)
    try:
        return download(name, partial(_wanted, folder)) / folder
    except HubError as error:
        raise DataError(str(error)) from error


def cached_data(text: str) -> Path:
    """The folder of a data set of the Hub as it was downloaded last; downloads nothing.

    Raises:
        DataError: it is not on this machine.
    """
    name, folder = parse_data_name(text)
    try:
        return cached(name, partial(_wanted, folder)) / folder
    except HubError as error:
        raise DataError(
            f"{name} is not on this machine: download it with "
            f"`hf download {name.repo} --repo-type dataset`."
        ) from error


def _wanted(folder: str, name: HubName, names: Iterable[str]) -> list[str]:
    """The wanted files of a folder of a repository, of the whole one if ``folder`` is empty.

    Raises:
        HubError: there are none, or what reads them is missing.
    """
    start = f"{folder}/" if folder else ""
    inside = [file.removeprefix(start) for file in names if file.startswith(start)]
    place = f"{DATA_PREFIX}{name.repo}/{folder}".rstrip("/")
    try:
        wanted = wanted_data(inside, place)
    except DataError as error:
        raise HubError(str(error)) from error
    if not wanted:
        raise HubError(f"{place} has no images, and no zip, npz, csv, parquet or idx file.")
    if all(map(is_table, wanted)) and not can_read_tables():
        raise HubError(f"{place} {MISSING}.")
    return [start + file for file in wanted]
