"""Still images by format, read back by other decoders, with what they carry."""

from __future__ import annotations

import contextlib
import io
import json
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from genviewer.core.picture import Picture
from genviewer.core.recipe import ModelRef, seeded_recipe
from genviewer.core.spec import ImageSpec, LatentSpec, Spec
from genviewer.io.enlarging import finished
from genviewer.io.image_decode import decode_image, decode_picture
from genviewer.io.image_formats import MAX_SIDE, check_size, encode_image, format_of
from genviewer.io.images import ImageError, ImageRecord, NoRecordError, read_record
from genviewer.io.provenance import MAX_TEXT_BYTES, PNG_SIGNATURE, sidecar_path, xmp_packet

FORMS = [("png", ".png"), ("webp", ".webp"), ("jpeg", ".jpg"), ("tiff", ".tif")]


def record(dim: int = 5, name: str = "m") -> ImageRecord:
    spec = Spec(name, "gan", LatentSpec(dim), ImageSpec(3, 6, 4))
    return ImageRecord(ModelRef(name, "id"), seeded_recipe(spec, 1), weights_sha256="ab" * 32)


def levels(channels: int, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    top = int(np.iinfo(dtype).max)
    return np.random.default_rng(seed).integers(0, top, (7, 5, channels), dtype, endpoint=True)


@pytest.mark.parametrize(("form", "suffix"), FORMS)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_format_keeps_its_record(tmp_path, form, suffix, channels):
    path = tmp_path / f"x{suffix}"
    for dim in (5, 30_000):  # the latter is longer than a segment of a JPEG
        path.write_bytes(encode_image(levels(channels), form, record(dim).text()))
        assert read_record(path) == record(dim)
        with Image.open(path) as image:
            assert image.size == (5, 7)
            image.load()


@pytest.mark.parametrize(("form", "suffix"), [f for f in FORMS if f[0] != "jpeg"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_lossless_formats_lose_nothing(tmp_path, form, suffix, channels):
    data = encode_image(levels(channels), form, "text")
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels]
    back = np.asarray(Image.open(io.BytesIO(data)).convert(mode)).reshape(7, 5, channels)
    assert np.array_equal(back, levels(channels))
    (tmp_path / f"x{suffix}").write_bytes(data)
    assert np.array_equal(decode_image(tmp_path / f"x{suffix}")[..., :channels], levels(channels))


@pytest.mark.parametrize(("channels", "form"), [(1, "gray16be"), (3, "rgb48be"), (4, "rgba64be")])
def test_a_png_of_16_bits_is_what_another_decoder_reads(tmp_path, channels, form):
    av = pytest.importorskip("av")
    path = tmp_path / "x.png"
    path.write_bytes(encode_image(levels(channels, np.uint16), "png", record().text()))
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        assert frame.format.name == form
        back = frame.to_ndarray().reshape(7, 5, channels)
    assert np.array_equal(back, levels(channels, np.uint16))
    assert np.array_equal(decode_image(path), levels(channels, np.uint16))
    assert read_record(path) == record()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_tiff_of_16_bits_is_what_pillow_reads(tmp_path, channels):
    path = tmp_path / "x.tif"
    path.write_bytes(encode_image(levels(channels, np.uint16), "tiff", record().text()))
    with Image.open(path) as image:
        assert image.tag_v2[258] == (16,) * channels
        pixels = np.asarray(image).reshape(7, 5, channels)
    wanted = levels(channels, np.uint16)
    high = (wanted >> 8).astype(np.uint8)  # Pillow has 16 bits for grey only
    assert np.array_equal(pixels, wanted if pixels.dtype.itemsize > 1 else high)
    assert np.array_equal(decode_image(path), wanted)
    assert read_record(path) == record()


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_name_comes_back(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("names")
    for form, suffix in FORMS:
        path = folder / f"x{suffix}"
        path.write_bytes(encode_image(levels(1), form, record(name=name).text()))
        assert read_record(path).model.name == name


@given(st.sampled_from(FORMS), st.integers(0, 400), st.integers(1, 60))
def test_a_damaged_file_is_told(tmp_path_factory, form, at, count):
    path = tmp_path_factory.mktemp("damaged") / f"x{form[1]}"
    data = bytearray(encode_image(levels(3), form[0], record().text()))
    at = min(at, len(data) - 1)
    data[at : at + count] = bytes(len(data[at : at + count]))
    path.write_bytes(data)
    for read in (read_record, decode_image):
        with contextlib.suppress(ImageError):  # and nothing else
            read(path)


def test_pictures_from_anywhere_keep_what_is_transparent(tmp_path):
    opacity = np.zeros((6, 4), np.uint8)
    opacity[2:4] = 255
    grey = Image.fromarray(np.stack([np.full_like(opacity, 255), opacity], -1))
    palette = Image.frombytes("P", (4, 6), (opacity // 255).tobytes())
    palette.putpalette([255] * 6)
    grey.save(tmp_path / "grey.png")
    palette.save(tmp_path / "palette.png", transparency=0)
    palette.save(tmp_path / "palette.gif", transparency=0)
    for name in ("grey.png", "palette.png", "palette.gif"):
        found = decode_picture(tmp_path / name)
        assert found.shape == (6, 4, 4)
        assert np.array_equal(found[..., 3], opacity)


def test_pictures_of_16_bits_by_others_are_not_white(tmp_path):
    values = (np.arange(24, dtype=np.uint16) * 2700).reshape(6, 4)
    for name in ("x.png", "x.tif"):
        Image.fromarray(values).save(tmp_path / name)
        found = decode_picture(tmp_path / name)
        assert found.dtype == np.uint8
        assert np.abs(found[..., 0] - values / 257.0).max() <= 0.5
    own = levels(1, np.uint16)
    (tmp_path / "own.png").write_bytes(encode_image(own, "png", "text"))
    assert np.array_equal(decode_picture(tmp_path / "own.png"), own)


def test_pictures_are_turned_as_they_were_held(tmp_path):
    pixels = np.zeros((8, 16), np.uint8)
    pixels[:, 8:] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned to the right by a quarter
    Image.fromarray(pixels).save(tmp_path / "held.png", exif=exif)
    found = decode_picture(tmp_path / "held.png")[..., 0]
    assert np.array_equal(found, np.rot90(pixels, -1))


def test_a_picture_that_is_not_there_is_not_called_damaged(tmp_path):
    with pytest.raises(ImageError, match="does not exist"):
        decode_picture(tmp_path / "gone.png")
    (tmp_path / "text.png").write_bytes(b"words")
    with pytest.raises(ImageError, match="is not an image"):
        decode_picture(tmp_path / "text.png")


def test_a_deep_tiff_that_does_not_say_how_long_its_strip_is_gives_no_other_error(tmp_path):
    data = encode_image(levels(1, np.uint16), "tiff", None)
    tag = struct.pack("<HHI", 279, 4, 1)
    assert data.count(tag) == 1
    path = tmp_path / "x.tif"
    path.write_bytes(data.replace(tag, struct.pack("<HHI", 65279, 4, 1)))
    for read in (decode_image, decode_picture):
        with contextlib.suppress(ImageError):
            assert read(path).shape[:2] == (7, 5)


@pytest.mark.parametrize("size", [(0, 3), (3, 0)])
def test_a_deep_image_without_pixels_is_refused(tmp_path, size):
    def chunk(kind, content):
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", *size, 16, 0, 0, 0, 0)
    rows = zlib.compress((b"\2" + bytes(2 * size[0])) * size[1])
    chunks = chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    (tmp_path / "x.png").write_bytes(PNG_SIGNATURE + chunks)
    for read in (decode_image, decode_picture):
        with pytest.raises(ImageError):
            read(tmp_path / "x.png")


def test_texts_beyond_the_bound_are_refused(tmp_path):
    huge = "a" * (MAX_TEXT_BYTES + 1)
    for form, suffix in FORMS:
        path = tmp_path / f"x{suffix}"
        path.write_bytes(encode_image(levels(1), form, huge))
        with pytest.raises(ImageError, match="too large"):
            read_record(path)


def test_xmp_of_others_is_no_record(tmp_path):
    other = xmp_packet("text").replace(b"genviewer:record", b"other:thing")
    buffer = io.BytesIO()
    Image.new("RGB", (3, 3)).save(buffer, "WEBP", xmp=other)
    (tmp_path / "x.webp").write_bytes(buffer.getvalue())
    with pytest.raises(NoRecordError):
        read_record(tmp_path / "x.webp")


def test_a_sidecar_counts_where_the_file_says_nothing(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros(3))
    sidecar_path(tmp_path / "x.npy").write_text(record().text())
    assert read_record(tmp_path / "x.npy") == record()
    Image.new("L", (2, 2)).save(tmp_path / "y.jpg")
    sidecar_path(tmp_path / "y.jpg").write_text(record().text())
    assert read_record(tmp_path / "y.jpg") == record()


def test_a_record_of_the_first_version_still_loads(tmp_path):
    old = json.loads(record().text())
    old = {key: old[key] for key in ("model", "recipe")} | {"scene": None, "program": "genviewer 0"}
    (tmp_path / "x.png").write_bytes(encode_image(levels(1), "png", json.dumps(old)))
    back = read_record(tmp_path / "x.png")
    assert (back.recipe, back.program) == (record().recipe, "genviewer 0")


def test_a_record_names_no_place_and_no_user(monkeypatch):
    monkeypatch.setenv("USER", "someone")
    text = record().text()
    assert "someone" not in text
    assert "/" not in text.replace(record().text().split('"float32":"')[1].split('"')[0], "")


def test_what_a_format_cannot_hold_is_refused(tmp_path):
    with pytest.raises(ImageError, match="too many"):
        check_size(MAX_SIDE["webp"] + 1, 1, "webp")
    with pytest.raises(ImageError, match="8 bits"):
        encode_image(levels(3, np.uint16), "jpeg")
    with pytest.raises(ImageError, match=r"x\.bmp.*\.png"):
        format_of(tmp_path / "x.bmp")


def test_nearest_repeats_and_lanczos_is_pillows():
    image = levels(3)
    assert np.array_equal(finished(image, Picture(scale=3))[1::3, 2::3], image)
    smooth = finished(image, Picture(scale=4, method="lanczos"))
    wanted = Image.fromarray(image).resize((20, 28), Image.Resampling.LANCZOS)
    assert np.array_equal(smooth, np.asarray(wanted))


def test_16_bits_come_from_the_numbers_themselves():
    ramp = np.linspace(0, 1, 1000, dtype=np.float32).reshape(10, 100, 1)
    deep = finished(ramp, Picture(bits=16))
    assert len(np.unique(deep)) == 1000
    assert np.abs(deep / 65535 - ramp).max() <= 0.5001 / 65535
    smooth = finished(ramp, Picture(bits=16, scale=2, method="lanczos"))
    assert smooth.shape == (20, 200, 1)
    assert len(np.unique(smooth)) > 1500
