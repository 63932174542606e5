"""Animated GIF, WebP and PNG: frames encoded by Pillow or zlib, put into their container here.

Pillow keeps all frames in memory until the last one; here each is written as it comes.
"""

from __future__ import annotations

import io
import struct
import zlib
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from genviewer.io.image_formats import check_size, png_header, png_rows
from genviewer.io.images import ImageError, to_pillow
from genviewer.io.provenance import (
    PNG_SIGNATURE,
    comment,
    png_chunk,
    png_text_chunk,
    xmp_packet,
)
from genviewer.io.video import VideoWriter

if TYPE_CHECKING:
    from pathlib import Path

Pixels = NDArray[np.uint8]
MovieFormat = Literal["mp4", "webm", "gif", "webp", "apng"]

MOVIE_FORMATS: dict[str, MovieFormat] = {
    ".mp4": "mp4",
    ".webm": "webm",
    ".gif": "gif",
    ".webp": "webp",
    ".apng": "apng",
}
GIF_MAX_FPS = 50.0
"""Browsers slow a GIF down whose frames last less than 1/50 s."""

GIF_MAX_SIDE = 65_535


class MovieWriter(Protocol):
    """Takes frames one by one: ``add`` each, then ``close``, or ``abandon`` after an error."""

    def add(self, frame: Pixels) -> None:
        """Append a frame: uint8 (H, W, C), all of one shape."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...

    def abandon(self) -> None:
        """Let go of the file."""
        ...


def movie_format(path: Path) -> MovieFormat:
    """The format that a path's suffix asks for.

    Raises:
        ImageError: it asks for none of ours.
    """
    found = MOVIE_FORMATS.get(path.suffix.lower())
    if found is None:
        known = ", ".join(MOVIE_FORMATS)
        raise ImageError(f"{path.name} is to be an animation, so its name has to end in {known}.")
    return found


def check_movie(form: MovieFormat, size: tuple[int, int], fps: float) -> None:
    """Refuse what a format cannot hold, before anything is drawn.

    Raises:
        ImageError: the picture is too large or the frames are too short.
    """
    check_size(*size, "webp" if form == "webp" else "png")
    if form == "gif" and max(size) > GIF_MAX_SIDE:
        raise ImageError(f"{size[0]} x {size[1]} pixels are too many for GIF.")
    if form == "gif" and fps > GIF_MAX_FPS:
        raise ImageError(f"A GIF shows at most {GIF_MAX_FPS:g} frames per second.")


def open_movie(
    path: Path,
    form: MovieFormat,
    size: tuple[int, int],
    fps: float,
    text: str | None = None,
    quality: int | None = None,
) -> MovieWriter:
    """A writer of an animation to ``path``, which it overwrites.

    Args:
        path: where to; its suffix does not matter.
        form: the format.
        size: width and height in pixels.
        fps: frames per second.
        text: the image record's JSON.
        quality: 1..100 where the format is lossy; None is lossless for WebP.

    Raises:
        VideoError: MP4 and WebM cannot be made here.
        OSError: the file cannot be written.
    """
    if form in ("mp4", "webm"):
        video: Literal["mp4", "webm"] = "mp4" if form == "mp4" else "webm"
        return VideoWriter(path, video, size, fps, text, quality)
    file = path.open("wb")
    clock = Clock(fps)
    if form == "gif":
        return GifWriter(file, clock, text)
    if form == "webp":
        return WebpWriter(file, size, clock, text, quality)
    return ApngWriter(file, clock, text)


class Clock:
    """How long each frame lasts in whole ticks, so that rounding never adds up."""

    def __init__(self, fps: float) -> None:
        self._frame = 1 / Fraction(fps).limit_denominator(1001)
        self._shown = 0

    def next(self, ticks_per_s: int, least: int = 1) -> int:
        """Ticks of the next frame, at least ``least``."""
        start, end = (round(n * self._frame * ticks_per_s) for n in (self._shown, self._shown + 1))
        self._shown += 1
        return max(end - start, least)


class _FileWriter:
    """What the three have in common: a file that is closed in any case."""

    def __init__(self, file: BinaryIO, clock: Clock) -> None:
        self._file, self._clock = file, clock
        self._frames = 0

    def abandon(self) -> None:
        """Let go of the file."""
        self._file.close()


class GifWriter(_FileWriter):
    """GIF89a: frames in 256 colours of their own, grey ones exact, repeated for ever."""

    def __init__(self, file: BinaryIO, clock: Clock, text: str | None) -> None:
        super().__init__(file, clock)
        self._text = text

    def add(self, frame: Pixels) -> None:
        """Append a frame; transparency is dropped."""
        size, palette, image = _gif_parts(frame)
        if self._frames == 0:
            screen = struct.pack("<HHBBB", *size, 0x70, 0, 0)
            self._file.write(b"GIF89a" + screen)
            self._file.write(b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0")
            if self._text is not None:
                self._file.write(b"!\xfe" + _gif_blocks(comment(self._text)))
        delay = self._clock.next(100)
        bits = (len(palette) // 3).bit_length() - 2
        self._file.write(b"!\xf9\x04" + struct.pack("<BHBB", 0x04, delay, 0, 0))
        self._file.write(b"," + struct.pack("<HHHHB", 0, 0, *size, 0x80 | bits) + palette + image)
        self._frames += 1

    def close(self) -> None:
        """Finish the file."""
        self._file.write(b";")
        self._file.close()


def _gif_parts(frame: Pixels) -> tuple[tuple[int, int], bytes, bytes]:
    """Size, palette and compressed pixels of a frame, from a GIF that Pillow makes of it alone."""
    from PIL import Image

    picture = to_pillow(frame[..., :3] if frame.shape[2] == 4 else frame)
    if picture.mode != "L":
        colours = picture.getcolors(256)
        dither = Image.Dither.NONE if colours is not None else Image.Dither.FLOYDSTEINBERG
        picture = picture.quantize(256, Image.Quantize.MEDIANCUT, dither=dither)
    buffer = io.BytesIO()
    picture.save(buffer, "GIF", interlace=0, optimize=False)
    data = buffer.getvalue()
    flags = data[10]
    end = 13 + (3 << ((flags & 7) + 1))
    palette, at = data[13:end], end
    while data[at : at + 1] == b"!":
        at += 2
        while data[at]:
            at += 1 + data[at]
        at += 1
    return picture.size, palette, data[at + 10 : -1]


def _gif_blocks(data: bytes) -> bytes:
    parts = (data[i : i + 255] for i in range(0, len(data), 255))
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


class ApngWriter(_FileWriter):
    """APNG: lossless frames, repeated for ever. The number of frames is filled in at the end."""

    def __init__(self, file: BinaryIO, clock: Clock, text: str | None) -> None:
        super().__init__(file, clock)
        self._text = text
        self._sequence = 0
        self._control_at = 0

    def add(self, frame: Pixels) -> None:
        """Append a frame."""
        height, width, _ = frame.shape
        if self._frames == 0:
            self._file.write(PNG_SIGNATURE + png_header(frame))
            if self._text is not None:
                self._file.write(png_text_chunk(self._text))
            self._control_at = self._file.tell()
            self._file.write(png_chunk(b"acTL", struct.pack(">II", 1, 0)))
        delay = self._clock.next(1000)
        control = struct.pack(">IIIIIHHBB", self._next(), width, height, 0, 0, delay, 1000, 0, 0)
        self._file.write(png_chunk(b"fcTL", control))
        data = zlib.compress(png_rows(frame), 6)
        if self._frames == 0:
            self._file.write(png_chunk(b"IDAT", data))
        else:
            self._file.write(png_chunk(b"fdAT", struct.pack(">I", self._next()) + data))
        self._frames += 1

    def close(self) -> None:
        """Finish the file."""
        self._file.write(png_chunk(b"IEND", b""))
        self._file.seek(self._control_at)
        self._file.write(png_chunk(b"acTL", struct.pack(">II", self._frames, 0)))
        self._file.close()

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence - 1


class WebpWriter(_FileWriter):
    """Animated WebP, repeated for ever. The file's size is filled in at the end."""

    def __init__(
        self,
        file: BinaryIO,
        size: tuple[int, int],
        clock: Clock,
        text: str | None,
        quality: int | None,
    ) -> None:
        super().__init__(file, clock)
        self._size, self._text, self._quality = size, text, quality

    def add(self, frame: Pixels) -> None:
        """Append a frame."""
        width, height = self._size
        sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        if self._frames == 0:
            flags = 0x02 | (0x04 if self._text is not None else 0)
            flags |= 0x10 if frame.shape[2] == 4 else 0
            self._file.write(b"RIFF\0\0\0\0WEBP" + _riff(b"VP8X", bytes([flags, 0, 0, 0]) + sides))
            self._file.write(_riff(b"ANIM", bytes(6)))
        lasts = self._clock.next(1000).to_bytes(3, "little")
        # 0x02: a frame replaces the one before, transparent parts too.
        self._file.write(_riff(b"ANMF", bytes(6) + sides + lasts + b"\x02" + self._coded(frame)))
        self._frames += 1

    def close(self) -> None:
        """Finish the file."""
        if self._text is not None:
            self._file.write(_riff(b"XMP ", xmp_packet(self._text)))
        size = self._file.tell() - 8
        self._file.seek(4)
        self._file.write(size.to_bytes(4, "little"))
        self._file.close()

    def _coded(self, frame: Pixels) -> bytes:
        """The chunks of a frame that hold pixels, from a WebP that Pillow makes of it alone."""
        buffer = io.BytesIO()
        picture = to_pillow(frame)
        picture = picture.convert("RGB") if picture.mode == "L" else picture
        if self._quality is None:
            picture.save(buffer, "WEBP", lossless=True, exact=True, quality=50, method=2)
        else:
            picture.save(buffer, "WEBP", quality=self._quality)
        data, at, kept = buffer.getvalue(), 12, b""
        while at + 8 <= len(data):
            size = int.from_bytes(data[at + 4 : at + 8], "little")
            end = at + 8 + size + size % 2
            if data[at : at + 4] in (b"VP8 ", b"VP8L", b"ALPH"):
                kept += data[at:end]
            at = end
        return kept


def _riff(kind: bytes, data: bytes) -> bytes:
    return kind + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2)
