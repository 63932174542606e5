"""Reading pieces of files: only regular ones, never for ever, never another than was opened."""

import os
import threading

import pytest

from genviewer.io.foreign.budget import UnreadableFileError, clean
from genviewer.io.foreign.contents import read_contents
from genviewer.io.foreign.sniff import sniff
from genviewer.io.foreign.source import list_folder, memory_source, open_source, read_bytes

needs_fifos = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")


def test_pieces_are_those_of_the_file(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(bytes(range(256)))
    source = open_source(path)
    assert source.size == 256
    assert source.read(10, 5) == bytes(range(10, 15))
    part = source.slice(100, 50).slice(10, 20)
    assert part.read(0, 20) == bytes(range(110, 130))
    out = bytearray(4)
    part.read_into(16, memoryview(out))
    assert out == bytes(range(126, 130))
    with pytest.raises(UnreadableFileError, match="ends too early"):
        part.read(10, 11)


def test_memory_has_the_same_manners():
    source = memory_source(bytes(range(100)), "x")
    assert source.slice(10, 20).read(5, 3) == bytes([15, 16, 17])
    with pytest.raises(UnreadableFileError, match="ends too early"):
        source.slice(90, 11)


def test_a_file_that_changed_is_not_read_on(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"a" * 100)
    source = open_source(path)
    path.write_bytes(b"b" * 101)
    with pytest.raises(UnreadableFileError, match="x changed while it was being read"):
        source.read(0, 1)
    path.unlink()
    with pytest.raises(UnreadableFileError, match="x does not exist"):
        source.read(0, 1)


@pytest.mark.parametrize("read", [open_source, sniff, read_contents])
def test_what_is_not_there_or_no_file_is_told(tmp_path, read):
    with pytest.raises(UnreadableFileError, match=r"^gone.pt does not exist\.$"):
        read(tmp_path / "gone.pt")
    (tmp_path / "empty.pt").touch()
    with pytest.raises(UnreadableFileError, match=r"^empty.pt is empty\.$"):
        read(tmp_path / "empty.pt")
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        read(tmp_path / "nul\0.pt")


@pytest.mark.parametrize("read", [open_source, sniff, read_contents])
@needs_fifos
def test_pipes_devices_and_circles_do_not_block(tmp_path, read):
    os.mkfifo(tmp_path / "model.pt")
    (tmp_path / "zero.pt").symlink_to("/dev/zero")
    (tmp_path / "circle.pt").symlink_to(tmp_path / "circle.pt")
    for name, reason in [("model", "pipe"), ("zero", "device"), ("circle", "cannot be read")]:
        said: list[str] = []

        def attempt(path, said=said):
            try:
                read(path)
            except UnreadableFileError as error:
                said.append(str(error))

        thread = threading.Thread(target=attempt, args=(tmp_path / f"{name}.pt",), daemon=True)
        thread.start()
        thread.join(10)
        assert not thread.is_alive()
        assert said
        assert reason in said[0]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_file_without_permission(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"1")
    path.chmod(0)
    with pytest.raises(UnreadableFileError, match="permission"):
        open_source(path)


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX only")
def test_a_name_that_is_no_text_is_shown_without_it(tmp_path):
    path = tmp_path / os.fsdecode(b"m\xff\x1b[31m.pt")
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    refusal = sniff(path).refusal
    assert refusal is not None
    refusal.encode("utf-8")
    assert "\x1b" not in refusal


def test_folders_are_listed_within_bounds(tmp_path):
    for i in range(20):
        (tmp_path / f"{i:02}").touch()
    assert list_folder(tmp_path) == [f"{i:02}" for i in range(20)]
    with pytest.raises(UnreadableFileError, match="more than 10 entries"):
        list_folder(tmp_path, limit=10)
    with pytest.raises(UnreadableFileError, match="does not exist"):
        list_folder(tmp_path / "gone")


def test_small_files_are_read_up_to_a_limit(tmp_path):
    (tmp_path / "c.json").write_bytes(b"{}")
    assert read_bytes(tmp_path / "c.json", 2) == b"{}"
    with pytest.raises(UnreadableFileError, match="far more than it should"):
        read_bytes(tmp_path / "c.json", 1)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a\nb\tc\x1b[31m", "a b c [31m"),
        ("x" * 100, "x" * 59 + "…"),
        ("a\u202eb\u2028c", "a bc"),
        ("\ud800", ""),
        ("<b>", "<b>"),
        (3, "3"),
        ([1], "list"),
    ],
)
def test_text_of_a_file_is_shown_in_one_short_line(given, shown):
    assert clean(given) == shown
