"""Image files of all kinds, sound and hostile."""

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from genviewer.io import dataset_decode
from genviewer.io.dataset_decode import _FORMATS, PICTURE_SUFFIXES, Damaged, decode, look_at
from tests.io.data_files import encoded, picture


def file(data: bytes) -> io.BytesIO:
    return io.BytesIO(data)


def huge_png(width, height) -> bytes:
    """The header of a PNG that says it is so large, and nothing in it."""

    def chunk(kind, data):
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "GIF", "WEBP"])
@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_come_back_as_they_were(form, channels):
    pixels = picture(0, 9, 7, channels)
    if form == "GIF":
        pixels = np.repeat(picture(0, 9, 7, 1), channels, 2)  # has 256 colours
    options = {"lossless": True} if form == "WEBP" else {}
    data = encoded(pixels, form, **options)
    found = decode(file(data))
    np.testing.assert_array_equal(np.broadcast_to(found, (9, 7, found.shape[2])), found)
    np.testing.assert_array_equal(found[..., :1], pixels[..., :1])
    look = look_at(file(data))
    assert (look.width, look.height) == (7, 9)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_the_way_up_that_it_was_taken(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    data = encoded(picture(0, 6, 11, 3), exif=exif)
    with Image.open(file(data)) as image:
        wanted = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(decode(file(data)), wanted)
    look = look_at(file(data))
    assert (look.height, look.width) == wanted.shape[:2]


@pytest.mark.parametrize(
    ("mode", "channels", "words"),
    [
        ("1", 1, "black and white"), ("L", 1, "grey"), ("LA", 4, "grey, transparent"),
        ("P", 3, "palette"), ("RGB", 3, "colour"), ("RGBA", 4, "colour, transparent"),
        ("CMYK", 3, "CMYK"), ("I;16", 1, "deep grey"),
    ],
)  # fmt: skip
def test_modes_are_told_and_become_grey_colour_or_transparent(mode, channels, words):
    buffer = io.BytesIO()
    Image.new(mode, (4, 3)).save(buffer, "TIFF" if mode == "CMYK" else "PNG")
    assert look_at(buffer).colours == words
    assert decode(buffer).shape == (3, 4, channels)


def test_sixteen_bits_lose_the_lower_ones():
    levels = np.arange(0, 65536, 257, dtype=np.uint16).reshape(16, 16)
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "PNG")
    np.testing.assert_array_equal(decode(buffer)[..., 0], levels // 257)


def test_a_palette_with_a_hole_is_transparent():
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.putpixel((1, 0), 1)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=0)
    assert decode(buffer)[0, :, 3].tolist() == [0, 255]


def test_a_large_jpeg_is_decoded_small_but_twice_as_large_as_wanted():
    data = encoded(np.full((640, 960, 3), 90, np.uint8), "JPEG")
    found = decode(file(data), (32, 32))
    assert found.shape[0] < 640
    assert min(found.shape[:2]) >= 64
    assert found.shape[1] / found.shape[0] == pytest.approx(1.5, abs=0.05)


def test_too_many_pixels_are_refused_by_the_header():
    with pytest.raises(Damaged, match="pixels"):
        look_at(file(huge_png(30_000, 30_000)))
    with pytest.raises(Damaged, match="10000x8000 pixels, more than the 64 million"):
        decode(file(huge_png(10_000, 8_000)))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF"])
def test_a_file_that_is_cut_short_is_seen_without_decoding_the_others(form, monkeypatch):
    data = encoded(picture(0, 40, 40, 3), form)
    look_at(file(data))
    with pytest.raises(Damaged, match=r"cut short|damaged"):
        look_at(file(data[: len(data) // 2]))
    loaded = []
    monkeypatch.setattr(Image.Image, "load", lambda self: loaded.append(self))
    look_at(file(data))
    assert not loaded


def test_what_follows_the_end_does_no_harm():
    data = encoded(picture(0)) + bytes(10_000)
    look_at(file(data))
    np.testing.assert_array_equal(decode(file(data)), picture(0))


@pytest.mark.parametrize(
    "data", [b"", b"no image", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\x89PNG\r\n\x1a\n"]
)
def test_what_is_no_image_is_told(data):
    with pytest.raises(Damaged):
        look_at(file(data))


def test_whatever_the_bytes_are_the_outcome_is_an_image_or_a_reason(monkeypatch):
    monkeypatch.setattr(dataset_decode, "MAX_PICTURE_PIXELS", 1 << 16)
    rng = np.random.default_rng(0)
    sound = [encoded(picture(0, 12, 12, 3), form) for form in ("PNG", "JPEG", "GIF", "BMP", "TIFF")]
    for data in sound * 30:
        broken = bytearray(data)
        for place in rng.integers(0, len(broken), 4):
            broken[place] = rng.integers(256)
        with contextlib.suppress(Damaged):
            assert decode(file(bytes(broken))).dtype == np.uint8


def test_there_are_suffixes_for_every_format_that_is_read_and_for_no_other():
    Image.init()
    formats = {Image.registered_extensions()[suffix] for suffix in PICTURE_SUFFIXES}
    assert formats == set(_FORMATS)
