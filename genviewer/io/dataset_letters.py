"""``builtin:letters``: the letters and digits of the free fonts on this machine, 64x64 grey.

Rendered once and kept in the user's cache. Whole families are held out as the test split, chosen by
a hash of the family's name, so that a font keeps its side when others are installed.
"""

from __future__ import annotations

import hashlib
import logging
import zipfile
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image
from platformdirs import user_cache_path

from genviewer.io.atomic import replacing
from genviewer.io.dataset_values import DataError, Images
from genviewer.io.font_files import font_files
from genviewer.io.glyphs import CLASS_NAMES, SIZE, UnusableFontError, font_names, render_font

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from genviewer.io.dataset_values import Pixels

log = logging.getLogger(__name__)

SOURCE = "builtin:letters"
MIN_FONTS = 150
HELD_OUT = 8  # one family in so many, by hash
_MAX_PER_FAMILY = 16  # styles; a few large families would otherwise decide what a typeface is
_NEAR = 0.035  # root mean square between two fonts at a quarter of the size: one is enough
_MIN_READABLE = 0.5  # share of a font's glyphs that are nearest to what others draw
_TEMPLATE = 12
_VERSION = 2  # of the rendering: raise it when the pixels change
_LOOKS_LIKE = {"0": "o", "1": "i", "l": "i"}


class Typeface(NamedTuple):
    """One font's glyphs, uint8 (62, 64, 64), and what it calls itself."""

    family: str
    style: str
    glyphs: Pixels

    @property
    def key(self) -> str:
        """What the fonts of a foundry's family share: the first word of its name."""
        return self.family.split()[0].lower()


def load_letters(
    folders: tuple[Path, ...] | None = None, *, minimum: int = MIN_FONTS
) -> tuple[Images, Images]:
    """The glyphs of the fonts to train on, and those of the held-out families.

    Images uint8 (N, 64, 64, 1), white on black; labels index ``CLASS_NAMES``; groups number the
    fonts. Rendering takes some minutes, the next call reads the cache.

    Raises:
        DataError: there are fewer than ``minimum`` usable fonts in ``folders`` (by default where
            the system keeps them), or too few families to hold some out.
    """
    files = font_files(folders)
    cache = _cache_path(files)
    parts = _read_cache(cache)
    if parts is None:
        typefaces = choose(_render_all(files))
        train = [face for face in typefaces if not is_held_out(face.key)]
        test = [face for face in typefaces if is_held_out(face.key)]
        parts = _part(train), _part(test)
        _write_cache(cache, parts)
    count = sum(len(part.group_names or ()) for part in parts)
    if count < minimum:
        raise DataError(
            f"{SOURCE} needs {minimum} usable fonts and finds {count}: on Debian, "
            "scripts/install-fonts.sh installs free ones."
        )
    if not all(part.group_names for part in parts):
        raise DataError(f"{SOURCE} needs fonts of more families to hold some out.")
    return parts


def is_held_out(key: str) -> bool:
    """Whether the fonts of a family are for testing only."""
    return hashlib.sha256(key.encode()).digest()[0] % HELD_OUT == 0


def choose(typefaces: Sequence[Typeface]) -> list[Typeface]:
    """Those that can be read, no two nearly the same, and not too many of one family."""
    if not typefaces:
        return []
    readable = [
        face
        for face, share in zip(typefaces, readability(typefaces), strict=True)
        if share >= _MIN_READABLE
    ]
    # By a hash of the name: of a large family, styles of every kind remain.
    readable.sort(key=lambda face: hashlib.sha256(f"{face.family} {face.style}".encode()).digest())
    kept: list[Typeface] = []
    small = np.empty((len(readable), len(CLASS_NAMES) * (SIZE // 4) ** 2), np.float32)
    squares = np.empty(len(readable))
    families: dict[str, int] = {}
    for face in readable:
        if families.get(face.key, 0) >= _MAX_PER_FAMILY:
            continue
        row, count = _shrunk(face.glyphs), len(kept)
        square = float(row @ row)
        distances = (squares[:count] + square - 2.0 * (small[:count] @ row)) / len(row)
        if (distances < _NEAR**2).any():
            continue
        families[face.key] = families.get(face.key, 0) + 1
        small[count], squares[count] = row, square
        kept.append(face)
    return sorted(kept, key=lambda face: (face.family, face.style))


def readability(typefaces: Sequence[Typeface]) -> NDArray[np.float64]:
    """The share of each font's glyphs that are most like the mean of their own class, (N,).

    Glyphs are compared in their bounding boxes, upper and lower case and look-alikes as one. It is
    low for symbols, scripts and ornaments.
    """
    shapes = np.stack([[_boxed(glyph) for glyph in face.glyphs] for face in typefaces])
    means = shapes.mean(0)  # (62, 144)
    means /= np.linalg.norm(means, axis=1, keepdims=True) + 1e-6
    nearest = np.einsum("ncd,kd->nck", shapes, means).argmax(2)
    looks = np.array([_LOOKS_LIKE.get(name.lower(), name.lower()) for name in CLASS_NAMES])
    share: NDArray[np.float64] = (looks[nearest] == looks).mean(1)
    return share


def _boxed(glyph: Pixels) -> NDArray[np.float32]:
    rows, columns = np.flatnonzero(glyph.any(1)), np.flatnonzero(glyph.any(0))
    box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    small = Image.fromarray(glyph).crop(box).resize((_TEMPLATE, _TEMPLATE), Image.Resampling.BOX)
    values = np.asarray(small, np.float32).ravel()
    result: NDArray[np.float32] = (values - values.mean()) / (values.std() + np.float32(1e-6))
    return result


def _shrunk(glyphs: Pixels) -> NDArray[np.float32]:
    side = SIZE // 4
    small = glyphs.reshape(len(glyphs), side, 4, side, 4).mean((2, 4)) / 255.0
    result: NDArray[np.float32] = small.astype(np.float32).ravel()
    return result


def _render_all(files: Sequence[Path]) -> list[Typeface]:
    log.info("%s: drawing the glyphs of %d font files, once", SOURCE, len(files))
    typefaces = []
    for path in files:
        try:
            family, style = font_names(path)
            typefaces.append(Typeface(family, style, render_font(path)))
        except UnusableFontError as reason:
            log.debug("%s is left out: %s", path.name, reason)
    return typefaces


def _images(glyphs: Pixels, fonts: Sequence[str]) -> Images:
    count, classes = len(fonts), len(CLASS_NAMES)
    return Images(
        source=SOURCE,
        images=glyphs,
        labels=np.tile(np.arange(classes), count),
        names=CLASS_NAMES,
        groups=np.repeat(np.arange(count), classes),
        group_names=tuple(fonts),
    )


def _part(typefaces: Sequence[Typeface]) -> Images:
    none = np.empty((0, SIZE, SIZE), np.uint8)
    glyphs = np.concatenate([none, *(face.glyphs for face in typefaces)])[..., None]
    return _images(glyphs, [f"{face.family} {face.style}".strip() for face in typefaces])


def _cache_path(files: Sequence[Path]) -> Path:
    listed = [str(_VERSION)]
    for path in files:
        status = path.stat()
        listed.append(f"{path.name} {status.st_size} {status.st_mtime_ns}")
    digest = hashlib.sha256("\n".join(listed).encode()).hexdigest()[:16]
    return user_cache_path("genviewer", appauthor=False) / "letters" / f"{digest}.npz"


def _write_cache(path: Path, parts: tuple[Images, Images]) -> None:
    arrays: dict[str, Any] = {}
    for name, part in zip(("train", "test"), parts, strict=True):
        arrays[f"{name}_images"] = part.images
        arrays[f"{name}_fonts"] = np.array(part.group_names)
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)
    except OSError as error:
        log.info("%s is not kept for the next time: %s", SOURCE, error.strerror)


def _read_cache(path: Path) -> tuple[Images, Images] | None:
    try:
        # Opened here: NumPy leaves a file open that turns out to be damaged.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            parts = [
                _cached(arrays[f"{n}_images"], arrays[f"{n}_fonts"]) for n in ("train", "test")
            ]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return parts[0], parts[1]


def _cached(images: Pixels, fonts: NDArray[np.str_]) -> Images:
    classes = len(CLASS_NAMES)
    if images.shape != (len(fonts) * classes, SIZE, SIZE, 1) or images.dtype != np.uint8:
        raise ValueError("not what is kept here")
    return _images(images, [str(font) for font in fonts])
