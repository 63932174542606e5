"""The files of a data set of samples, written so that a kill at any moment costs a unit at most.

A unit's files come first, each whole or not there; then its entry, which says that the unit is
done. Entries lie in the folder ``.export`` until all units are done, whichever process drew them;
then the manifest is made of them, duplicates are dropped, and archives are put together.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import os
import shutil
import zipfile
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from genviewer.core.dataset_plan import DatasetPlan
from genviewer.core.recipe import from_json, to_json
from genviewer.io.atomic import replacing, write_bytes
from genviewer.io.write_errors import WriteError, write_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

WORK_FOLDER = ".export"
PLAN_NAME = "plan.json"
ENTRIES_NAME = "entries.jsonl"
SUMMARY_NAME = "export.json"
COLUMNS = ("n", "file", "class", "label", "seed", "truncation", "sha256")

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


class Entry(msgspec.Struct, frozen=True):
    """One sample of the data set.

    Attributes:
        n: its number.
        file: folder and name; empty in an ``.npz``.
        label: class index, or None; ``class_name`` what it is called.
        seed: that of its latent.
        sha256: of its pixels.
        size: of its file in bytes.
        duplicate: whether an earlier sample has the same pixels, so that it was dropped.
    """

    n: int
    file: str
    class_name: str
    label: int | None
    seed: int
    sha256: str
    size: int = 0
    duplicate: bool = False


class DatasetStore:
    """The folder of one export. One thread writes; other processes may write other units.

    Args:
        folder: where to; made if it is not there.
        plan: what it is to hold.
    """

    def __init__(self, folder: Path, plan: DatasetPlan) -> None:
        self.folder, self.plan = folder, plan
        self._work = folder / WORK_FOLDER

    # beginning

    def begin(self, force: bool = False) -> None:
        """Take up an export of the same plan, or start one in an empty or new folder.

        Args:
            force: whether another export in the folder is removed first, and files of other
                names are put up with.

        Raises:
            WriteError: there is something else, or the folder cannot be written.
        """
        try:
            found = self._plan_there()
            if found is not None and (found != self.plan or force):
                if not force:
                    raise WriteError(
                        f"{self.folder} holds another export; choose another folder, or replace it."
                    )
                self._remove_export(found)
                found = None
            if found is None:
                names = {p.name for p in self.folder.iterdir()} if self.folder.exists() else set()
                if names - {WORK_FOLDER} and not force:
                    raise WriteError(f"{self.folder} exists and is not empty.")
                self._work.mkdir(parents=True, exist_ok=True)
                write_bytes(self._work / PLAN_NAME, to_json(self.plan))
        except OSError as error:
            raise write_error(error, self.folder) from error

    def _plan_there(self) -> DatasetPlan | None:
        path = self._work / PLAN_NAME
        if not path.is_file():
            return None
        try:
            return from_json(path.read_bytes(), DatasetPlan)
        except ValueError:
            raise WriteError(
                f"{self.folder} holds a damaged export; choose another folder."
            ) from None

    def _remove_export(self, plan: DatasetPlan) -> None:
        """Remove what an earlier export of ``plan`` wrote, and nothing else; no link is followed
        out of the folder.
        """
        inside = self.folder.resolve()
        folders = set()
        for entry in self._all_entries():
            path = (self.folder / entry.file).resolve() if entry.file else inside
            if path != inside and path.is_relative_to(inside):
                path.unlink(missing_ok=True)
                folders.add(path.parent)
        for pattern in ("manifest*.csv", "manifest*.jsonl", SUMMARY_NAME):
            for path in self.folder.glob(pattern):
                path.unlink()
        shutil.rmtree(self._work)
        DatasetStore(self.folder, plan).archive_path.unlink(missing_ok=True)
        for path in folders - {inside}:
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()

    # units

    def missing_units(self, shard: tuple[int, int] = (0, 1)) -> list[int]:
        """The units of a shard that are not done, or whose files have gone since."""
        merged = (self._work / ENTRIES_NAME).is_file()
        done = self._done_units()
        if not merged and (self._work / ENTRIES_NAME).is_file():
            done = self._done_units()  # another process has finished the export meanwhile
        index, of = shard
        own = range(index % of, self.plan.units, of)
        return [unit for unit in own if unit not in done]

    def _done_units(self) -> set[int]:
        found: dict[int, int] = {}
        for entry in self._all_entries():
            unit = entry.n // self.plan.unit
            if entry.duplicate or self._intact(entry):
                found[unit] = found.get(unit, 0) + 1
        return {unit for unit, n in found.items() if n == len(self.plan.unit_range(unit))}

    def _intact(self, entry: Entry) -> bool:
        if self.plan.format in ("npz", "zip"):
            unit = entry.n // self.plan.unit
            return self._archive(unit).is_file() or self.archive_path.is_file()
        try:
            return (self.folder / entry.file).stat().st_size == entry.size
        except OSError:
            return False

    def _all_entries(self) -> Iterator[Entry]:
        """What is told to be done; the folder may come from elsewhere, so no name leads out."""
        return (entry for entry in self._told_entries() if _stays_inside(entry.file))

    def _told_entries(self) -> Iterator[Entry]:
        merged = self._work / ENTRIES_NAME
        if merged.is_file():
            with merged.open("rb") as file:
                for line in file:
                    yield msgspec.json.decode(line, type=Entry)
            return
        if self._work.is_dir():
            for path in sorted(self._work.glob("unit-*.json")):
                yield from _entries(path)

    def write_file(self, place: str, data: bytes) -> None:
        """Write one sample's file, whole or not at all; what a broken-off run left is replaced.

        Raises:
            WriteError: it cannot be written.
        """
        # Strings and bare system calls: thousands of small files are written in a row.
        folder, name = os.path.split(place)
        temporary = f"{self.folder}/{folder}/.{name}.part"
        try:
            try:
                _write_whole(temporary, data)
            except FileNotFoundError:
                (self.folder / folder).mkdir(parents=True, exist_ok=True)
                _write_whole(temporary, data)
            os.replace(temporary, f"{self.folder}/{place}")
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise write_error(error, self.folder / place) from error

    def finish_unit(
        self,
        unit: int,
        entries: list[Entry],
        arrays: dict[str, NDArray[Any]] | None = None,
        files: dict[str, bytes] | None = None,
    ) -> None:
        """Tell that a unit is done. Its part of an archive comes with it.

        Args:
            unit: the unit.
            entries: of all its samples.
            arrays: for an ``.npz``, by name, a row for each sample.
            files: for a ``.zip``, by place.

        Raises:
            WriteError: it cannot be written.
        """
        path = self._work / f"unit-{unit:08d}.json"
        try:
            if arrays is not None or files is not None:
                with replacing(self._archive(unit)) as temporary:
                    if arrays is not None:
                        with temporary.open("wb") as file:
                            np.savez(file, **arrays)  # type: ignore[arg-type]  # names are ours
                    else:
                        _write_zip(temporary, (files or {}).items())
            write_bytes(path, msgspec.json.encode(entries))
        except OSError as error:
            raise write_error(error, path) from error

    def drop_files(self, entries: Iterable[Entry]) -> None:
        """Remove the files of a unit that will not be finished."""
        for entry in entries:
            with contextlib.suppress(OSError):
                (self.folder / entry.file).unlink(missing_ok=True)

    def _archive(self, unit: int) -> Path:
        return self._work / f"unit-{unit:08d}.{self.plan.format}"

    # the end

    @property
    def archive_path(self) -> Path:
        """Where the ``.npz`` or ``.zip`` comes to lie."""
        from genviewer.core.name_template import safe_name

        return self.folder / f"{safe_name(self.plan.model.name)}.{self.plan.format}"

    def finish(self) -> int:
        """All units are done: drop duplicates, write the manifest, put archives together.

        Several processes may do this at once, with the same result, and again after a kill.

        Returns:
            the number of duplicates.

        Raises:
            WriteError: it cannot be written.
        """
        try:
            return self._finish()
        except FileNotFoundError as error:
            # Another process that finished too has removed the parts; it has written the rest.
            if not (self.folder / "manifest.csv").is_file():
                raise write_error(error, self.folder) from error
            return sum(entry.duplicate for entry in self._all_entries())
        except OSError as error:
            raise write_error(error, self.folder) from error

    def _finish(self) -> int:
        merged = self._work / ENTRIES_NAME
        if not merged.is_file():
            with replacing(merged) as temporary, temporary.open("wb") as file:
                count = 0
                for entry in self._without_duplicates():
                    file.write(msgspec.json.encode(entry) + b"\n")
                    count += 1
                if count != self.plan.count:
                    raise FileNotFoundError(errno.ENOENT, "parts are missing", str(merged))
        duplicates = 0
        for entry in self._all_entries():
            duplicates += entry.duplicate
            if entry.duplicate and entry.file and self.plan.format in ("png", "webp"):
                (self.folder / entry.file).unlink(missing_ok=True)
        archived = self.plan.format in ("npz", "zip")
        if archived and all(self._archive(unit).is_file() for unit in range(self.plan.units)):
            with replacing(self.archive_path) as temporary:
                if self.plan.format == "zip":
                    _write_zip(temporary, self._zipped())
                else:
                    self._write_npz(temporary, self.plan.count - duplicates)
        self.write_manifest()
        for path in self.folder.glob("manifest-*"):
            path.unlink(missing_ok=True)
        for path in self._work.glob("unit-*"):
            path.unlink(missing_ok=True)
        return duplicates

    def write_manifest(self, name: str = "manifest") -> None:
        """``NAME.csv`` and ``NAME.jsonl`` of the samples that there are, and how they were made.

        Raises:
            WriteError: it cannot be written.
        """
        try:
            with (
                replacing(self.folder / f"{name}.csv") as table_path,
                replacing(self.folder / f"{name}.jsonl") as lines_path,
                table_path.open("w", encoding="utf-8", newline="") as table,
                lines_path.open("wb") as lines,
            ):
                writer = csv.writer(table, lineterminator="\n")
                writer.writerow(COLUMNS)
                for entry in self._all_entries():
                    if not entry.duplicate:
                        row = self._row(entry)
                        writer.writerow(["" if row[c] is None else row[c] for c in COLUMNS])
                        lines.write(msgspec.json.encode(row) + b"\n")
            if self.plan.provenance:
                document = msgspec.json.format(to_json(self.plan), indent=1)
                write_bytes(self.folder / SUMMARY_NAME, document + b"\n")
        except OSError as error:
            raise write_error(error, self.folder / name) from error

    def _row(self, entry: Entry) -> dict[str, Any]:
        return {
            "n": entry.n,
            "file": entry.file,
            "class": entry.class_name,
            "label": entry.label,
            "seed": entry.seed,
            "truncation": self.plan.truncation,
            "sha256": entry.sha256,
        }

    def _without_duplicates(self) -> Iterator[Entry]:
        seen: set[bytes] = set()
        for entry in self._all_entries():
            digest = bytes.fromhex(entry.sha256)
            yield msgspec.structs.replace(entry, duplicate=digest in seen)
            seen.add(digest)

    def _kept(self) -> Iterator[tuple[int, list[Entry]]]:
        """Of each unit, in order, the entries that are no duplicates."""
        unit = 0
        kept: list[Entry] = []
        for entry in self._all_entries():
            if entry.n // self.plan.unit != unit:
                yield unit, kept
                unit, kept = entry.n // self.plan.unit, []
            if not entry.duplicate:
                kept.append(entry)
        yield unit, kept

    def _zipped(self) -> Iterator[tuple[str, bytes]]:
        for unit, kept in self._kept():
            with zipfile.ZipFile(self._archive(unit)) as archive:
                for entry in kept:
                    yield entry.file, archive.read(entry.file)

    def _write_npz(self, path: Path, count: int) -> None:
        """Array after array, unit after unit, so that memory does not grow with the data set."""
        with np.load(self._archive(0), allow_pickle=False) as first:
            heads = {name: (first[name].shape[1:], first[name].dtype) for name in first.files}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for name, (shape, dtype) in heads.items():
                info = zipfile.ZipInfo(f"{name}.npy", _ZIP_TIME)
                with archive.open(info, "w", force_zip64=True) as file:
                    head = {
                        "descr": np.lib.format.dtype_to_descr(dtype),
                        "fortran_order": False,
                        "shape": (count, *shape),
                    }
                    np.lib.format.write_array_header_2_0(file, head)
                    for unit, kept in self._kept():
                        with np.load(self._archive(unit), allow_pickle=False) as part:
                            rows = [entry.n - unit * self.plan.unit for entry in kept]
                            file.write(np.ascontiguousarray(part[name][rows]).tobytes())


def _write_whole(path: str, data: bytes) -> None:
    handle = os.open(
        path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o666
    )
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
    finally:
        os.close(handle)


def _stays_inside(place: str) -> bool:
    return not os.path.isabs(place) and ".." not in place.replace("\\", "/").split("/")


def _entries(path: Path) -> list[Entry]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Entry])
    except (OSError, ValueError):
        return []  # another process has just finished; or it is damaged, and the unit is redone


def _write_zip(path: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """A zip of files that are compressed already, with the same bytes whenever it is made."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, data in files:
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), data)
