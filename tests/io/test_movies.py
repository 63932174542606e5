"""Animations of every format, read back by Pillow and by PyAV."""

from __future__ import annotations

import contextlib
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from genviewer.core.recipe import ModelRef, seeded_recipe
from genviewer.core.spec import ImageSpec, LatentSpec, Spec
from genviewer.io.images import ImageError, ImageRecord, read_record
from genviewer.io.movie_files import MOVIE_FORMATS, Clock, check_movie, movie_format, open_movie
from genviewer.io.movie_frames import movie_frames
from genviewer.io.video import VideoError, even_sided, read_comment, video_frames

PILLOW = ["gif", "webp", "apng"]
SPEC = Spec("m", "gan", LatentSpec(4000), ImageSpec(3, 6, 4))
TEXT = ImageRecord(ModelRef("m", "id"), seeded_recipe(SPEC, 1)).text()


def frames(count: int, channels: int, height: int = 12, width: int = 16) -> list[np.ndarray]:
    """Smooth pictures of few colours, which even a lossy format keeps nearly as they are."""
    y, x = np.mgrid[:height, :width]
    made = []
    for number in range(count):
        base = (x * 4 + y * 2 + number * 5) % 96 + 80
        made.append(np.stack([base] * channels, axis=-1).astype(np.uint8))
    return made


def write(path, form, pictures, fps=25.0, text=TEXT, quality=None):
    height, width, _ = pictures[0].shape
    writer = open_movie(path, form, (width, height), fps, text, quality)
    for picture in pictures:
        writer.add(picture)
    writer.close()
    return path


@pytest.mark.parametrize("form", PILLOW)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pillow_plays_every_frame_as_it_was(tmp_path, form, channels):
    pictures = frames(7, channels)
    if channels == 4:
        pictures = [np.where(p == p[0, 0], 255, p).astype(np.uint8) for p in pictures]
        for picture in pictures:
            picture[..., 3] = 255
    path = write(tmp_path / f"x.{form}", form, pictures)
    with Image.open(path) as image:
        assert (image.n_frames, image.size) == (7, (16, 12))
        total = 0
        for number, wanted in enumerate(pictures):
            image.seek(number)
            back = np.asarray(image.convert("RGB"))
            total += image.info["duration"]
            assert np.array_equal(back, np.broadcast_to(wanted[..., :3], back.shape))
        assert total == pytest.approx(7 * 40)
    assert read_record(path).text() == TEXT
    back = list(movie_frames(path))
    assert np.array_equal(back[3][..., :1], pictures[3][..., :1])


@pytest.mark.parametrize("form", ["webp", "apng"])
def test_transparency_is_kept_and_frames_do_not_show_through(tmp_path, form):
    clear, solid = np.zeros((8, 8, 4), np.uint8), np.full((8, 8, 4), 255, np.uint8)
    solid[..., :3] = [200, 10, 30]
    path = write(tmp_path / f"x.{form}", form, [solid, clear, solid])
    back = list(movie_frames(path))
    assert [frame[0, 0].tolist() for frame in back] == [
        [200, 10, 30, 255],
        [0] * 4,
        [200, 10, 30, 255],
    ]


def test_a_gif_of_many_colours_is_close(tmp_path):
    y, x = np.mgrid[:64, :64]
    picture = np.stack([x * 4, y * 4, (x + y) * 2], axis=-1).astype(np.uint8)
    path = write(tmp_path / "x.gif", "gif", [picture, picture[::-1]])
    back = list(movie_frames(path))
    assert np.abs(back[1].astype(int) - picture[::-1]).mean() < 8


@pytest.mark.parametrize("form", ["mp4", "webm"])
@pytest.mark.parametrize(("height", "width"), [(64, 96), (33, 47)])
@pytest.mark.parametrize("channels", [1, 3])
def test_videos_have_their_frames_and_even_sides(tmp_path, form, height, width, channels):
    av = pytest.importorskip("av")
    pictures = frames(9, channels, height, width)
    path = write(tmp_path / f"x.{form}", form, pictures, fps=12.5)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (width + width % 2, height + height % 2)
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert float(stream.average_rate) == pytest.approx(12.5, rel=0.02)
        back = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(back) == 9
    for wanted, got in zip(pictures, back, strict=True):
        assert np.abs(got[:height, :width].astype(int) - wanted).mean() < 4
    assert read_record(path).text() == TEXT
    assert len(list(video_frames(path))) == 9


@pytest.mark.parametrize("form", ["webp", "mp4"])
def test_less_quality_is_a_smaller_file(tmp_path, form):
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (48, 48, 3), np.uint8) for _ in range(3)]
    sizes = [
        write(tmp_path / f"{quality}.x", form, pictures, text=None, quality=quality).stat().st_size
        for quality in (10, 95)
    ]
    assert sizes[0] < 0.7 * sizes[1]


@pytest.mark.parametrize("form", PILLOW)
def test_memory_does_not_grow_with_the_length(tmp_path, form):
    picture = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)

    def peak(count):
        writer = open_movie(tmp_path / "x", form, (128, 128), 25.0, TEXT)
        tracemalloc.start()
        for number in range(count):
            writer.add(np.roll(picture, number, axis=0))
        writer.close()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(2)
    assert peak(40) < peak(4) + 2 * picture.nbytes


@given(st.floats(0.5, 50.0), st.integers(1, 300))
def test_rounded_delays_do_not_add_up(fps, count):
    clock = Clock(fps)
    total = sum(clock.next(100) for _ in range(count))
    assert abs(total - 100 * count / fps) <= 0.02 * total / 10 + 2


def test_an_odd_side_is_doubled():
    frame = np.arange(15, dtype=np.uint8).reshape(3, 5, 1)
    even = even_sided(frame)
    assert even.shape == (4, 6, 1)
    assert np.array_equal(even[3, :5], frame[2])
    assert np.array_equal(even[:3, 5], frame[:, 4])


def test_what_a_format_cannot_hold_is_refused(tmp_path):
    with pytest.raises(ImageError, match="50 frames"):
        check_movie("gif", (8, 8), 60.0)
    with pytest.raises(ImageError, match="too many"):
        check_movie("webp", (20_000, 8), 30.0)
    with pytest.raises(ImageError, match=r"x\.avi.*\.mp4"):
        movie_format(tmp_path / "x.avi")
    assert set(MOVIE_FORMATS.values()) == {*PILLOW, "mp4", "webm"}


@pytest.mark.parametrize("form", [*PILLOW, "mp4", "webm"])
def test_a_cut_file_is_told(tmp_path, form):
    path = write(tmp_path / "x", form, frames(5, 3))
    data = path.read_bytes()
    for keep in (20, len(data) // 2):
        path.write_bytes(data[:keep])
        got = -1
        with contextlib.suppress(ImageError):  # and nothing else
            got = len(list(movie_frames(path)))
        assert got < 5 or form in PILLOW  # Pillow may make the rest up, and the comparison tells


def test_a_video_of_others_has_no_record(tmp_path):
    path = write(tmp_path / "x.mp4", "mp4", frames(2, 3), text=None)
    with pytest.raises(ImageError, match="no Recipe"):
        read_record(path)
    with path.open("rb") as file:
        assert read_comment(file) is None


def test_only_the_two_containers_are_opened(tmp_path):
    inside = write(tmp_path / "x.mp4", "mp4", frames(2, 3))
    playlist = tmp_path / "list.mp4"
    playlist.write_text(f"#EXTM3U\n#EXTINF:1,\n{inside}\n#EXT-X-ENDLIST\n")
    with pytest.raises(VideoError, match="no MP4"):
        list(video_frames(playlist))
    with playlist.open("rb") as file, pytest.raises(VideoError, match="no MP4"):
        read_comment(file)
