"""MP4 and WebM by PyAV, frame by frame. PyAV is imported when the first video is."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from genviewer.io.provenance import comment, file_kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Pixels = NDArray[np.uint8]
VideoFormat = Literal["mp4", "webm"]

MAX_SIDE = 16_384
MAX_COMMENT = 1 << 21

_CODECS: dict[VideoFormat, tuple[str, dict[str, str]]] = {
    "mp4": ("libx264", {"preset": "veryfast", "profile": "high"}),
    "webm": ("libvpx-vp9", {"deadline": "good", "cpu-used": "5", "row-mt": "1", "b": "0"}),
}
_BEST_CRF: dict[VideoFormat, int] = {"mp4": 14, "webm": 20}
_WORST_CRF: dict[VideoFormat, int] = {"mp4": 40, "webm": 55}
_THREADS = 4  # a fixed number, since the bytes depend on it


class VideoError(ValueError):
    """A video cannot be made or read; the message is one sentence for the user."""


def crf_of(form: VideoFormat, quality: int | None) -> int:
    """The encoder's own quality for 1..100; None is the best that makes sense."""
    share = 1.0 if quality is None else (quality - 1) / 99.0
    best, worst = _BEST_CRF[form], _WORST_CRF[form]
    return round(worst + share * (best - worst))


def even_sided(frame: Pixels) -> Pixels:
    """The frame with even sides, which 4:2:0 colour needs: an odd last row or column is doubled."""
    height, width, _ = frame.shape
    if height % 2 or width % 2:
        return np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return frame


class VideoWriter:
    """Writes one video; memory does not grow with its length.

    Pixels are yuv420p, so a video's sides are even (:func:`even_sided`).

    Args:
        path: where to; it is overwritten.
        form: ``mp4`` (H.264) or ``webm`` (VP9).
        size: width and height in pixels.
        fps: frames per second.
        text: the image record's JSON, for the container's comment.
        quality: 1..100, None for the best.

    Raises:
        VideoError: PyAV or its encoder is missing, or refuses.
    """

    def __init__(
        self,
        path: Path,
        form: VideoFormat,
        size: tuple[int, int],
        fps: float,
        text: str | None = None,
        quality: int | None = None,
    ) -> None:
        av = _pyav()
        width, height = (side + side % 2 for side in size)
        if max(width, height) > MAX_SIDE:
            raise VideoError(f"{width} x {height} pixels are too many for a video.")
        self._av = av
        codec, options = _CODECS[form]
        try:
            muxing = {"movflags": "+faststart"} if form == "mp4" else {}
            self._container = av.open(str(path), "w", format=form, options=muxing)
            if text is not None:
                self._container.metadata["comment"] = comment(text).decode()
            rate = Fraction(fps).limit_denominator(1001)
            options = options | {"crf": str(crf_of(form, quality))}
            self._stream = self._container.add_stream(codec, rate=rate, options=options)
        except (av.FFmpegError, ValueError) as error:
            raise _as_write_error(error) from error
        self._stream.width, self._stream.height = width, height
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.thread_count = _THREADS

    def add(self, frame: Pixels) -> None:
        """Append a frame: uint8 (H, W, C) with 1, 3 or 4 channels; transparency is dropped."""
        channels = frame.shape[2]
        colour = frame.repeat(3, axis=2) if channels == 1 else frame[..., :3]
        picture = self._av.VideoFrame.from_ndarray(
            np.ascontiguousarray(even_sided(colour)), format="rgb24"
        )
        self._mux(picture)

    def close(self) -> None:
        """Write what the encoder still holds, and the end of the file."""
        self._mux(None)
        try:
            self._container.close()
        except self._av.FFmpegError as error:
            raise _as_write_error(error) from error

    def abandon(self) -> None:
        """Let go of the file after an error."""
        try:
            self._container.close()
        except self._av.FFmpegError:
            return

    def _mux(self, picture: Any) -> None:
        try:
            for packet in self._stream.encode(picture):
                self._container.mux(packet)
        except self._av.FFmpegError as error:
            raise _as_write_error(error) from error


def read_comment(file: BinaryIO) -> str | None:
    """The comment of an MP4 or WebM, without decoding a frame; None where it has none.

    Raises:
        VideoError: it cannot be read, or the comment is too long.
    """
    av, demuxer = _pyav(), _demuxer(file)
    try:
        with av.open(file, "r", format=demuxer, metadata_errors="ignore") as container:
            tags = {key.lower(): value for key, value in container.metadata.items()}
    except (av.FFmpegError, ValueError, OSError) as error:
        raise VideoError("The video cannot be read.") from error
    found = tags.get("comment")
    if found is not None and len(found) > MAX_COMMENT:
        raise VideoError("The video's comment is too long.")
    return found


def video_frames(path: Path) -> Iterator[Pixels]:
    """The frames of a video, one after the other: uint8 (H, W, 3).

    Raises:
        VideoError: it cannot be read.
    """
    av = _pyav()
    try:
        with path.open("rb") as file, av.open(file, "r", format=_demuxer(file)) as container:
            if not container.streams.video:
                raise VideoError(f"{path.name} has no picture.")
            stream = container.streams.video[0]
            if max(stream.width, stream.height) > MAX_SIDE:
                raise VideoError(f"{path.name} has too many pixels.")
            for frame in container.decode(stream):
                yield frame.to_ndarray(format="rgb24")
    except (av.FFmpegError, ValueError) as error:
        if isinstance(error, VideoError):
            raise
        raise VideoError(f"{path.name} is damaged.") from error


def _pyav() -> Any:
    try:
        import av
    except ImportError as error:
        raise VideoError("MP4 and WebM need the package av, which is not installed.") from error
    return av


def _demuxer(file: BinaryIO) -> str:
    """What reads the file, by its first bytes: left to itself FFmpeg tries every format that it
    knows, playlists of other files among them.
    """
    start = file.read(16)
    file.seek(0)
    demuxer = {"mp4": "mov", "webm": "matroska"}.get(file_kind(start) or "")
    if demuxer is None:
        raise VideoError("It is no MP4 or WebM.")
    return demuxer


def _as_write_error(error: Exception) -> Exception:
    """An OSError where the system refused to write, else a VideoError."""
    if isinstance(error, OSError):
        return error
    return VideoError(f"The video cannot be made: {error}.")
