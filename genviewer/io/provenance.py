"""A short text inside image and video files, by format, and beside files that hold none.

| format | where |
|---|---|
| PNG, APNG | an iTXt chunk before the pixels |
| WebP, TIFF | XMP |
| JPEG | COM segments |
| GIF | a comment extension |
| MP4, WebM | the comment of the container |
| anything else | a sidecar, ``NAME.json`` |

Files from outside are read with bounds: nothing larger than :data:`MAX_TEXT_BYTES` is taken.
"""

from __future__ import annotations

import html
import re
import struct
import zlib
from typing import TYPE_CHECKING, BinaryIO, Literal

if TYPE_CHECKING:
    from pathlib import Path

KEY = "genviewer"
MAX_TEXT_BYTES = 1 << 20
SIDECAR_SUFFIX = ".json"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
XMP_TIFF_TAG = 700
XMP_NAMESPACE = "https://github.com/genviewer/ns/1.0/"

FileKind = Literal["png", "jpeg", "gif", "webp", "tiff", "mp4", "webm"]

_MARK = b"genviewer:"
_JPEG_PART = 60_000  # a segment holds 65,533 bytes
_XMP_RECORD = re.compile(rb'genviewer:record="([^"]*)"')


class ProvenanceError(ValueError):
    """A file's text cannot be read; the message says why, without naming the file."""


def file_kind(start: bytes) -> FileKind | None:
    """What a file is by its first 16 bytes; None if it is nothing that holds a text here."""
    if start.startswith(PNG_SIGNATURE):
        return "png"
    if start.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if start.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "webp"
    if start.startswith((b"II*\0", b"MM\0*")):
        return "tiff"
    if start[4:8] == b"ftyp":
        return "mp4"
    return "webm" if start.startswith(b"\x1aE\xdf\xa3") else None


# writing


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG chunk: length, type, data, checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_text_chunk(text: str) -> bytes:
    """An iTXt chunk with the text under our key, uncompressed."""
    return png_chunk(b"iTXt", KEY.encode() + b"\0\0\0\0\0" + text.encode())


def xmp_packet(text: str) -> bytes:
    """An XMP packet that carries the text as one property."""
    value = html.escape(text, quote=True)
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:genviewer="{XMP_NAMESPACE}" '
        f'genviewer:record="{value}"/></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()


def jpeg_with_text(jpeg: bytes, text: str) -> bytes:
    """A JPEG with the text in COM segments after its first marker segments."""
    data = text.encode()
    parts = [data[i : i + _JPEG_PART] for i in range(0, len(data), _JPEG_PART)]
    segments = b""
    for number, part in enumerate(parts, 1):
        body = _MARK + f"{number}/{len(parts)} ".encode() + part
        segments += b"\xff\xfe" + struct.pack(">H", len(body) + 2) + body
    at = 2
    while jpeg[at] == 0xFF and 0xE0 <= jpeg[at + 1] <= 0xEF:
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return jpeg[:at] + segments + jpeg[at:]


def comment(text: str) -> bytes:
    """The text as a comment that tells itself apart from those of others."""
    return _MARK + text.encode()


def sidecar_path(path: Path) -> Path:
    """Where the text of a file that holds none itself is kept."""
    return path.with_name(path.name + SIDECAR_SUFFIX)


# reading


def read_text(path: Path) -> str | None:
    """The text in a file, else in its sidecar; None where neither has one. Decodes no pixels.

    Raises:
        ProvenanceError: the file is none of the known formats and has no sidecar, is damaged,
            or its text is too large.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        kind = file_kind(file.read(16))
        file.seek(0)
        text = None if kind is None else _READERS[kind](file)
    if text is None:
        text = _sidecar(path)
    if text is None and kind is None:
        raise ProvenanceError("is not an image")
    return text


def _sidecar(path: Path) -> str | None:
    beside = sidecar_path(path)
    if not beside.is_file():
        return None
    with beside.open("rb") as file:
        return _decoded(file.read(MAX_TEXT_BYTES + 1))


def _decoded(data: bytes) -> str:
    if len(data) > MAX_TEXT_BYTES:
        raise ProvenanceError("carries a Recipe that is too large")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ProvenanceError("carries a damaged Recipe") from None


def _from_comment(data: bytes) -> str | None:
    return _decoded(data[len(_MARK) :]) if data.startswith(_MARK) else None


def _from_xmp(data: bytes) -> str | None:
    found = _XMP_RECORD.search(data)
    if found is None:
        return None
    # Escapes make a text at most six times as long.
    if len(found[1]) > 6 * MAX_TEXT_BYTES:
        raise ProvenanceError("carries a Recipe that is too large")
    text = _decoded_long(found[1])
    if len(text) > MAX_TEXT_BYTES:
        raise ProvenanceError("carries a Recipe that is too large")
    return text


def _decoded_long(data: bytes) -> str:
    try:
        return html.unescape(data.decode())
    except UnicodeDecodeError:
        raise ProvenanceError("carries a damaged Recipe") from None


def _png(file: BinaryIO) -> str | None:
    file.seek(len(PNG_SIGNATURE))
    key = KEY.encode() + b"\0"
    while True:
        head = file.read(8)
        if len(head) < 8:
            raise ProvenanceError("cannot be read")
        size, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind == b"IEND":
            return None
        if kind != b"iTXt" or size > 16 * MAX_TEXT_BYTES:
            file.seek(size + 4, 1)
            continue
        data = file.read(size)
        file.seek(4, 1)
        if data.startswith(key):
            return _itxt(data[len(key) :])


def _itxt(data: bytes) -> str:
    if len(data) < 2:
        raise ProvenanceError("carries a damaged Recipe")
    compressed, rest = data[0], data[2:]
    for _ in ("language", "translated key"):
        _, found, rest = rest.partition(b"\0")
        if not found:
            raise ProvenanceError("carries a damaged Recipe")
    if compressed:
        try:
            rest = zlib.decompressobj().decompress(rest, MAX_TEXT_BYTES + 1)
        except zlib.error:
            raise ProvenanceError("carries a damaged Recipe") from None
    return _decoded(rest)


def _jpeg(file: BinaryIO) -> str | None:
    parts, total = b"", 0
    file.seek(2)
    while True:
        head = file.read(4)
        if len(head) < 4 or head[0] != 0xFF:
            raise ProvenanceError("cannot be read")
        if head[1] in (0xDA, 0xD9):  # the pixels begin: there is nothing more of this kind
            return _decoded(parts) if total else None
        size = int.from_bytes(head[2:], "big") - 2
        if size < 0:
            raise ProvenanceError("cannot be read")
        if head[1] != 0xFE:
            file.seek(size, 1)
            continue
        body = file.read(size)
        found = re.match(_MARK + rb"\d{1,3}/\d{1,3} ", body)
        if found is not None:
            total += 1
            parts += body[found.end() :]
        if len(parts) > MAX_TEXT_BYTES:
            raise ProvenanceError("carries a Recipe that is too large")


def _gif(file: BinaryIO) -> str | None:
    head = file.read(13)
    if len(head) < 13:
        raise ProvenanceError("cannot be read")
    if head[10] & 0x80:
        file.seek(3 << ((head[10] & 7) + 1), 1)
    while True:
        mark = file.read(1)
        if mark == b"!":
            label = file.read(1)
            text = _from_comment(_gif_blocks(file)) if label == b"\xfe" else None
            if text is not None:
                return text
            if label != b"\xfe":
                _gif_blocks(file)
        elif mark in (b",", b";"):  # ours comes before the first frame
            return None
        else:
            raise ProvenanceError("cannot be read")


def _gif_blocks(file: BinaryIO) -> bytes:
    data = b""
    while size := file.read(1):
        if size == b"\0":
            return data
        data += file.read(size[0])
        if len(data) > MAX_TEXT_BYTES + 64:
            raise ProvenanceError("carries a Recipe that is too large")
    raise ProvenanceError("cannot be read")


def _webp(file: BinaryIO) -> str | None:
    file.seek(12)
    while len(head := file.read(8)) == 8:
        size = int.from_bytes(head[4:], "little")
        if head[:4] == b"XMP " and size <= 8 * MAX_TEXT_BYTES:
            text = _from_xmp(file.read(size))
            if text is not None:
                return text
            file.seek(size % 2, 1)
        else:
            file.seek(size + size % 2, 1)
    return None


def _tiff(file: BinaryIO) -> str | None:
    head = file.read(8)
    if len(head) < 8:
        raise ProvenanceError("cannot be read")
    order: Literal["little", "big"] = "little" if head[:2] == b"II" else "big"
    file.seek(int.from_bytes(head[4:], order))
    count = int.from_bytes(file.read(2), order)
    entries = file.read(12 * count)
    if len(entries) < 12 * count:
        raise ProvenanceError("cannot be read")
    for at in range(0, len(entries), 12):
        entry = entries[at : at + 12]
        if int.from_bytes(entry[:2], order) == XMP_TIFF_TAG:
            size = int.from_bytes(entry[4:8], order)
            file.seek(int.from_bytes(entry[8:], order))
            return _from_xmp(file.read(min(size, 8 * MAX_TEXT_BYTES)))
    return None


def _video(file: BinaryIO) -> str | None:
    from genviewer.io.video import VideoError, read_comment

    try:
        found = read_comment(file)
    except VideoError as error:
        raise ProvenanceError("cannot be read") from error
    return None if found is None else _from_comment(found.encode())


_READERS = {
    "png": _png,
    "jpeg": _jpeg,
    "gif": _gif,
    "webp": _webp,
    "tiff": _tiff,
    "mp4": _video,
    "webm": _video,
}
