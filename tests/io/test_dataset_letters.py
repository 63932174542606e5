"""Rendering fonts, what is left out of them, the split and the cache.

The font is the one that Pillow brings along, so that none needs to be installed.
"""

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageFont

from genviewer.io import dataset_letters, glyphs
from genviewer.io.dataset_letters import (
    Typeface,
    choose,
    is_held_out,
    load_letters,
    readability,
)
from genviewer.io.dataset_values import DataError
from genviewer.io.font_files import font_files
from genviewer.io.glyphs import BASELINE, CLASS_NAMES, SIZE, UnusableFontError, render_font


@pytest.fixture(scope="session")
def font_path(tmp_path_factory) -> Path:
    """Aileron, from Pillow."""
    font = ImageFont.load_default(20)
    if not isinstance(font, ImageFont.FreeTypeFont) or not isinstance(font.path, io.BytesIO):
        pytest.skip("this Pillow brings no TrueType font along")
    path = tmp_path_factory.mktemp("fonts") / "aileron.ttf"
    path.write_bytes(font.path.getvalue())
    return path


@pytest.fixture(scope="session")
def drawn(font_path) -> np.ndarray:
    return render_font(font_path)


def glyph(drawn, name):
    return drawn[CLASS_NAMES.index(name)]


def rows(image):
    return np.flatnonzero(image.max(1) > 127)


def columns(image):
    return np.flatnonzero(image.max(0) > 127)


def test_every_glyph_fits_with_a_margin(drawn):
    assert drawn.shape == (62, SIZE, SIZE)
    for edge in (drawn[:, 0], drawn[:, -1], drawn[:, :, 0], drawn[:, :, -1]):
        assert not edge.any()
    assert len({image.tobytes() for image in drawn}) == 62


def test_glyphs_share_baseline_and_scale(drawn):
    for name in "HIExz1":
        assert rows(glyph(drawn, name))[-1] == BASELINE - 1
    assert rows(glyph(drawn, "p"))[-1] > BASELINE + 4
    assert rows(glyph(drawn, "x"))[0] > rows(glyph(drawn, "H"))[0] + 4
    # v and V have one shape in this font but keep their own sizes
    assert len(rows(glyph(drawn, "v"))) < len(rows(glyph(drawn, "V")))


def test_glyphs_are_centred_and_smooth(drawn):
    for image in drawn:
        ink = columns(image)
        assert abs((ink[0] + ink[-1]) / 2 - (SIZE - 1) / 2) <= 3
    assert 20 < len(np.unique(glyph(drawn, "O"))), "edges have grey values"
    assert glyph(drawn, "H").max() == 255


def test_a_file_that_is_no_font_is_refused(tmp_path):
    path = tmp_path / "no.ttf"
    path.write_bytes(b"\0\1\0\0" + bytes(100))
    with pytest.raises(UnusableFontError, match="opened"):
        render_font(path)


def test_missing_blank_and_capital_glyphs_are_found(font_path, monkeypatch):
    render = glyphs._render

    def using(table):
        return lambda font, text: render(font, table.get(text, text))

    monkeypatch.setattr(glyphs, "_render", using({"Q": glyphs._MISSING}))
    with pytest.raises(UnusableFontError, match="missing"):
        render_font(font_path)
    monkeypatch.setattr(glyphs, "_render", using({c: c.upper() for c in "abcdefg"}))
    with pytest.raises(UnusableFontError, match="capitals"):
        render_font(font_path)
    thin = lambda font, text: render(font, text) // 2  # noqa: E731
    monkeypatch.setattr(glyphs, "_render", thin)
    with pytest.raises(UnusableFontError, match="thin"):
        render_font(font_path)


def test_font_files_are_found_once_by_name(tmp_path):
    for name in ("a/one.ttf", "b/one.ttf", "b/two.OTF", "b/readme.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    (tmp_path / "gone.ttf").symlink_to(tmp_path / "nowhere.ttf")
    found = font_files((tmp_path / "a", tmp_path / "b", tmp_path, tmp_path / "missing"))
    assert found == [tmp_path / "a/one.ttf", tmp_path / "b/two.OTF"]


def faces(drawn, count, *, family="Family {}"):
    """Typefaces that differ by a shift downwards, far enough to count as different."""
    return [
        Typeface(family.format(i), "Regular", np.roll(drawn, 3 * i, axis=1)) for i in range(count)
    ]


def test_nearly_equal_typefaces_are_kept_once(drawn):
    twin = Typeface("Twin", "Regular", np.minimum(drawn + 1, 255).astype(np.uint8))
    assert len(choose([*faces(drawn, 3), twin])) == 3


def test_a_large_family_is_cut(drawn, monkeypatch):
    monkeypatch.setattr(dataset_letters, "_MAX_PER_FAMILY", 2)
    assert len(choose(faces(drawn, 4))) == 2  # the key is the first word, "family"
    assert len(choose(faces(drawn, 4, family="Family{} Sans"))) == 4


def test_symbols_are_told_from_letters(drawn):
    mixed = drawn[np.random.default_rng(0).permutation(62)]
    typefaces = [*faces(drawn, 5), Typeface("Symbols", "", mixed)]
    share = readability(typefaces)
    assert (share[:5] > 0.9).all()
    assert share[5] < 0.2
    assert "Symbols" not in {face.family for face in choose(typefaces)}


def test_families_are_held_out_by_hash():
    names = [f"family {i}" for i in range(4000)]
    share = np.mean([is_held_out(name) for name in names])
    assert share == pytest.approx(1 / 8, abs=0.02)
    assert is_held_out("inter") == (hashlib.sha256(b"inter").digest()[0] % 8 == 0)


@pytest.fixture
def four_fonts(tmp_path, font_path, drawn, monkeypatch):
    """A folder of four font files whose glyphs and names are made up; and what was rendered."""
    folder = tmp_path / "fonts"
    folder.mkdir()
    for index in range(4):
        (folder / f"{index}.ttf").write_bytes(font_path.read_bytes())
    held_out = next(f"h{i}" for i in range(99) if is_held_out(f"h{i}"))
    names = ["inter", "lato", "karla", held_out]
    names = [n if n == held_out or not is_held_out(n) else n + "s" for n in names]
    calls = []

    def render(path):
        calls.append(path.name)
        return np.roll(drawn, 3 * int(path.stem), axis=1)

    monkeypatch.setattr(dataset_letters, "render_font", render)
    monkeypatch.setattr(
        dataset_letters, "font_names", lambda path: (names[int(path.stem)], "Regular")
    )
    return folder, calls, held_out


def test_the_split_is_by_family_and_the_cache_is_used(four_fonts, drawn):
    folder, calls, held_out = four_fonts
    first = load_letters((folder,), minimum=4)
    assert len(calls) == 4
    train, test = first
    assert test.group_names == (f"{held_out} Regular",)
    assert len(train.group_names) == 3
    assert train.images.shape == (3 * 62, SIZE, SIZE, 1)
    np.testing.assert_array_equal(train.labels[62:124], np.arange(62))
    np.testing.assert_array_equal(train.groups, np.repeat([0, 1, 2], 62))
    assert train.names == CLASS_NAMES
    np.testing.assert_array_equal(test.images[..., 0], np.roll(drawn, 9, axis=1))
    again = load_letters((folder,), minimum=4)
    assert len(calls) == 4
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.images, other.images)
        np.testing.assert_array_equal(one.groups, other.groups)
        assert one.group_names == other.group_names
    (folder / "3.ttf").unlink()
    with pytest.raises(DataError, match="hold some out"):
        load_letters((folder,), minimum=2)
    assert len(calls) == 7, "other fonts, other glyphs"


def test_a_damaged_cache_is_drawn_again(four_fonts):
    folder, calls, _ = four_fonts
    load_letters((folder,), minimum=4)
    (cached,) = dataset_letters._cache_path(font_files((folder,))).parent.iterdir()
    cached.write_bytes(cached.read_bytes()[:1000])
    load_letters((folder,), minimum=4)
    assert len(calls) == 8


def test_too_few_fonts_say_what_to_install(four_fonts):
    folder, _, _ = four_fonts
    with pytest.raises(DataError, match=r"needs 150 usable fonts and finds 4: .*install-fonts"):
        load_letters((folder,))
    with pytest.raises(DataError, match="finds 0"):
        load_letters((folder / "none",))
