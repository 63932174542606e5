"""What is put on the disk comes back, never fills it, and leaves nothing behind."""

import gc
import os
import shutil
import threading
from types import SimpleNamespace

import pytest

from genviewer.io import dataset_spill
from genviewer.io.dataset_spill import Spill

PIECES = [os.urandom(size) for size in (5, 0, 70_000, 1)]


def views(pieces=PIECES):
    return (memoryview(piece) for piece in pieces)


def test_what_was_added_comes_back_from_several_threads(tmp_path):
    spill = Spill(tmp_path / "made")
    first, second = spill.add(views()), spill.add(views(PIECES[::-1]))
    assert first.tolist() == [0, 5, 5, 70_005, 70_006]
    assert second[0] == first[-1]
    wrong = []

    def read(spill=spill):
        for _ in range(50):
            for starts, pieces in ((first, PIECES), (second, PIECES[::-1])):
                for start, end, piece in zip(starts, starts[1:], pieces, strict=False):
                    if spill.read(int(start), int(end)) != piece:
                        wrong.append(start)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    del spill, threads, read
    gc.collect()
    assert list((tmp_path / "made").iterdir()) == []


@pytest.mark.parametrize("free", [10, 100_000, 1 << 40])
def test_no_more_than_half_of_what_is_free_is_taken(tmp_path, monkeypatch, free):
    monkeypatch.setattr(dataset_spill, "MAX_SPILL_BYTES", 90_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    room = min(90_000, free // 2)
    spill = Spill(tmp_path)
    small = spill.add(views([PIECES[0]]))
    assert spill.add([memoryview(bytes(room - 4))]) is None
    assert os.fstat(spill._file.fileno()).st_size == 5
    assert spill.read(*small) == PIECES[0]
    assert spill.add(views([b"x"])) is None  # and nothing is tried any more


def test_where_nothing_can_be_written_nothing_is(tmp_path):
    (tmp_path / "file").touch()
    spill = Spill(tmp_path / "file/folder")
    assert spill.add(views()) is None
    assert spill.add(views()) is None


def test_a_part_is_read_as_a_file_of_its_own(tmp_path):
    spill = Spill(tmp_path)
    spill.add(views())
    start, *_, end = spill.add(views()).tolist()
    spill.add(views())
    whole = b"".join(PIECES)
    with spill.open(start, end) as file:
        assert file.read() == whole
        assert (file.seek(-3, 2), file.read(), file.read()) == (len(whole) - 3, whole[-3:], b"")
        assert (file.seek(4), file.tell(), file.read(3)) == (4, 4, whole[4:7])
        assert (file.seek(2, 1), file.read(2)) == (9, whole[9:11])
        assert (file.seek(9, 2), file.read()) == (len(whole) + 9, b"")
