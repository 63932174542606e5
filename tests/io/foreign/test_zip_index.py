"""Zip files mean one thing to every reader, or are refused."""

import io
import zipfile

import pytest

from genviewer.io.foreign.budget import Budget, UnreadableFileError
from genviewer.io.foreign.source import memory_source
from genviewer.io.foreign.zip_index import ZipIndex
from tests.io.foreign.handmade import zipped


def index_of(data: bytes) -> ZipIndex:
    return ZipIndex(memory_source(data, "m.zip"), Budget("m.zip", len(data)))


def made_by_python(entries, **options) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:
        for name, data in entries.items():
            with archive.open(name, "w", force_zip64=True) as file:
                file.write(data)
    return buffer.getvalue()


ENTRIES = {"a/data.pkl": b"pickle", "a/data/0": bytes(1000), "ä/ö": b"names"}


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_entries_are_those_that_python_writes(kind):
    index = index_of(made_by_python(ENTRIES, compression=kind))
    assert list(index.entries) == list(ENTRIES)
    assert {name: index.read(name, 2000) for name in ENTRIES} == ENTRIES


def test_handmade_files_are_what_python_reads():
    """The other way round: the maker of the hostile ones below writes good ones."""
    data = zipped(list(ENTRIES.items()))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
    assert index_of(data).source_of("a/data/0").read(0, 1000) == bytes(1000)


def test_an_entry_larger_than_allowed_is_not_unpacked():
    index = index_of(zipped([("x", bytes(1 << 20))], compressed=True))
    with pytest.raises(UnreadableFileError, match="1,048,576 bytes, far too many"):
        index.read("x", 1000)


def test_an_entry_that_lies_about_its_size_is_not_unpacked_further():
    index = index_of(zipped([("x", bytes(1 << 20))], compressed=True, sizes={"x": 10}))
    with pytest.raises(UnreadableFileError, match="damaged"):
        index.read("x", 5000)


def test_compressed_entries_have_no_place_in_the_file():
    index = index_of(zipped([("x", bytes(100))], compressed=True))
    with pytest.raises(UnreadableFileError, match="never compresses"):
        index.source_of("x")


GOOD = zipped([("a", b"one"), ("b", b"two")])


def replaced(old: bytes, new: bytes, count: int = 1) -> bytes:
    assert GOOD.count(old) >= count
    return GOOD.replace(old, new, count)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (zipped([("a", b"1"), ("a", b"2")]), "two entries called a"),
        (zipped([("a", b"1")], sizes={"a": 100}), "damaged"),
        (GOOD[:-1], "damaged"),
        (GOOD[: len(GOOD) // 2], "directory is missing"),
        (b"prefix" + GOOD, "damaged"),
        (GOOD + b"more", "directory is missing"),
        (replaced(b"PK\1\2", b"PK\1\3"), "damaged"),
        (b"PK\5\6" + bytes(18), ""),
        (b"PK\3\4", "directory is missing"),
    ],
)
def test_ambiguous_and_damaged_ones_are_refused(data, reason):
    if not reason:
        assert index_of(data).entries == {}
        return
    with pytest.raises(UnreadableFileError, match=reason):
        index_of(data)


def test_the_name_before_the_data_must_be_that_of_the_directory():
    local = GOOD.index(b"PK\3\4") + 30
    data = GOOD[:local] + b"c" + GOOD[local + 1 :]
    with pytest.raises(UnreadableFileError, match="entry a"):
        index_of(data).read("a", 100)


def test_overlapping_entries_are_refused():
    second = GOOD.rindex(b"PK\1\2")
    data = bytearray(GOOD)
    data[second + 42 : second + 46] = (1).to_bytes(4, "little")
    with pytest.raises(UnreadableFileError, match="overlap"):
        index_of(bytes(data))


def test_encrypted_entries_are_refused():
    data = bytearray(GOOD)
    data[data.index(b"PK\1\2") + 8] |= 1
    with pytest.raises(UnreadableFileError, match="encrypted"):
        index_of(bytes(data))
