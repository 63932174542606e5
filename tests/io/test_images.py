"""Images that remember how they were made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from genviewer.core.recipe import ModelRef, seeded_recipe
from genviewer.core.scene import Pane, Scene
from genviewer.core.spec import ImageSpec, LatentSpec, Spec
from genviewer.io.images import (
    RECORD_KEY,
    ImageError,
    ImageRecord,
    decode_png,
    encode_png,
    layout_sheet,
    read_record,
    save_png,
    upscale,
)

if TYPE_CHECKING:
    from pathlib import Path

SPEC = Spec("m", "gan", LatentSpec(5), ImageSpec(3, 6, 4))


def pixels(channels: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (6, 4, channels), np.uint8)


@given(st.sampled_from([1, 3, 4]), st.integers(1, 5), st.text(max_size=30), st.integers(0, 99))
def test_a_png_brings_back_pixels_and_recipe(
    tmp_path_factory: pytest.TempPathFactory, channels: int, factor: int, name: str, seed: int
) -> None:
    path = tmp_path_factory.mktemp("png") / "x.png"
    record = ImageRecord(ModelRef(name, "id"), seeded_recipe(SPEC, seed))
    save_png(path, pixels(channels, seed), record, factor)
    assert read_record(path) == record
    back = decode_png(path.read_bytes())
    assert np.array_equal(back[::factor, ::factor], pixels(channels, seed))
    assert np.array_equal(back, upscale(pixels(channels, seed), factor))


def test_a_sheet_carries_its_scene(tmp_path: Path) -> None:
    scene = Scene((Pane(ModelRef("m", "id"), seeded_recipe(SPEC, 1)),), "traverse")
    save_png(tmp_path / "s.png", pixels(1), ImageRecord(scene.model, scene=scene))
    assert read_record(tmp_path / "s.png").scene == scene


def test_tiles_land_in_their_cells() -> None:
    tiles = np.stack([np.full((2, 3, 1), value, np.uint8) for value in (10, 20, 30)])
    sheet = layout_sheet(tiles, np.array([3, 0, 1]), rows=2, columns=2)
    assert sheet.shape == (4, 6, 1)
    assert [int(sheet[r, c, 0]) for r in (0, 2) for c in (0, 3)] == [20, 30, 0, 10]


def _png_with(path: Path, text: str) -> Path:
    info = PngImagePlugin.PngInfo()
    info.add_itxt(RECORD_KEY, text)
    Image.new("L", (3, 3)).save(path, pnginfo=info)
    return path


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{}", "damaged"),
        ("[" * 50_000, "damaged"),
        ('{"model": {"name": "m", "id": "i"}}', "no Recipe"),
        ('{"model": {"name": "m", "id": "i"}, "scene": {"panes": []}}', "no Recipe"),
    ],
)
def test_a_damaged_record_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        read_record(_png_with(tmp_path / "x.png", text))


def test_what_carries_no_record_is_refused(tmp_path: Path) -> None:
    Image.new("L", (3, 3)).save(tmp_path / "plain.png")
    (tmp_path / "text.png").write_text("<html>")
    with pytest.raises(ImageError, match=r"plain.png carries no Recipe"):
        read_record(tmp_path / "plain.png")
    with pytest.raises(ImageError, match=r"text.png is not an image"):
        read_record(tmp_path / "text.png")
    with pytest.raises(ImageError, match="not a file"):
        read_record(tmp_path)


def test_a_text_chunk_that_expands_without_end_is_refused(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_itxt(RECORD_KEY, "a" * (8 << 20), zip=True)
    Image.new("L", (3, 3)).save(tmp_path / "bomb.png", pnginfo=info)
    assert (tmp_path / "bomb.png").stat().st_size < 100_000
    with pytest.raises(ImageError, match=r"bomb.png"):
        read_record(tmp_path / "bomb.png")


def test_a_thumbnail_is_small_and_a_png(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="too large"):
        decode_png(encode_png(np.zeros((1100, 1100, 1), np.uint8)))
    with pytest.raises(ImageError, match="damaged"):
        decode_png(encode_png(pixels(3))[:40])
    with pytest.raises(ImageError, match="damaged"):
        decode_png(b"")
