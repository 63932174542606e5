import gzip
import hashlib
import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genviewer.io import dataset_mnist
from genviewer.io.dataset_arrays import parse_idx
from genviewer.io.dataset_fit import Fit
from genviewer.io.dataset_mnist import mnist_folder
from genviewer.io.datasets import DataError, load_images

GREY = np.random.default_rng(0).integers(0, 256, (6, 5, 7), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (6, 5, 7, 3), dtype=np.uint8)
LABELS = np.array([2, 0, 1, 1, 0, 2])


def idx(array: np.ndarray) -> bytes:
    head = b"\x00\x00\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


def png(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def load(path: Path):
    return load_images(str(path))


# npz


def test_npz_with_splits(tmp_path):
    path = tmp_path / "d.npz"
    np.savez(
        path, train_images=GREY, train_labels=LABELS, test_images=GREY[:2], test_labels=LABELS[:2]
    )
    train, test = load(path)
    np.testing.assert_array_equal(train.images[..., 0], GREY)
    np.testing.assert_array_equal(train.labels, LABELS)
    assert train.labels.dtype == np.int64
    np.testing.assert_array_equal(test.images[..., 0], GREY[:2])


def test_npz_in_every_layout_is_the_same(tmp_path):
    for name, images in {
        "nhwc": COLOUR,
        "nchw": COLOUR.transpose(0, 3, 1, 2),
        "unit": COLOUR / 255,
    }.items():
        np.savez(tmp_path / name, images=images)
        train, test = load(tmp_path / f"{name}.npz")
        np.testing.assert_array_equal(train.images, COLOUR)
        assert train.labels is None
        assert test is None


def test_npz_with_one_hot_labels(tmp_path):
    np.savez(tmp_path / "d.npz", images=GREY, labels=np.eye(3)[LABELS])
    np.testing.assert_array_equal(load(tmp_path / "d.npz")[0].labels, LABELS)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"pictures": GREY}, "has no images or train_images, but pictures"),
        ({"images": GREY.astype(np.int32)}, "int32"),
        ({"images": GREY.astype(float)}, r"outside \[0, 1\]"),
        ({"images": GREY, "labels": LABELS[:3]}, "not one label for every image"),
        ({"images": GREY, "labels": LABELS - 1}, "negative"),
        ({"images": GREY[:0]}, "no images"),
        ({"images": GREY[0]}, "dimensions"),
        ({"images": GREY, "labels": LABELS + 0.5}, "whole numbers"),
        ({"images": GREY, "labels": LABELS.astype(str)}, "integers are wanted"),
    ],
)
def test_an_npz_that_does_not_fit_is_told(tmp_path, arrays, words):
    np.savez(tmp_path / "d.npz", **arrays)
    with pytest.raises(DataError, match=words):
        load(tmp_path / "d.npz")


def test_an_npz_whose_header_promises_more_than_it_holds_is_refused(tmp_path):
    header = io.BytesIO()
    described = {"descr": "|u1", "fortran_order": False, "shape": (1 << 40, 28, 28)}
    np.lib.format.write_array_header_1_0(header, described)
    with zipfile.ZipFile(tmp_path / "d.npz", "w") as archive:
        archive.writestr("images.npy", header.getvalue() + b"tiny")
    with pytest.raises(DataError, match="shorter than its header says"):
        load(tmp_path / "d.npz")


@pytest.mark.parametrize("data", [b"no array", bytes(1 << 16)])
def test_an_npz_with_what_numpy_reads_under_another_name_is_refused(tmp_path, data):
    with zipfile.ZipFile(tmp_path / "d.npz", "w") as archive:
        archive.writestr("images", data)
    with pytest.raises(DataError, match="holds images, which is no array"):
        load(tmp_path / "d.npz")


def test_an_npz_that_is_packed_in_an_unknown_way_is_told(tmp_path):
    np.savez(tmp_path / "d.npz", images=GREY)
    data = bytearray((tmp_path / "d.npz").read_bytes())
    at = data.index(b"PK\x01\x02") + 10
    data[at : at + 2] = b"\x63\x00"  # the method, in the directory
    (tmp_path / "d.npz").write_bytes(data)
    with pytest.raises(DataError, match="not a data set that can be read"):
        load(tmp_path / "d.npz")


def test_classes_of_more_digits_than_a_number_has_are_names(tmp_path):
    for row in range(2):
        (tmp_path / f"{row}.png").write_bytes(png(GREY[row]))
    (tmp_path / "d.csv").write_text(f"0.png,{'9' * 30}\n1.png,7\n")
    train, _ = load(tmp_path / "d.csv")
    assert train.names == ("7", "9" * 30)
    np.testing.assert_array_equal(train.labels, [1, 0])


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("genviewer.io.dataset_values._MUCH_BYTES", 1000)
    zeros = np.zeros((500, 28, 28), np.uint8)
    np.savez_compressed(tmp_path / "d.npz", images=zeros)
    (tmp_path / "idx").mkdir()
    (tmp_path / "idx" / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(zeros)))
    with zipfile.ZipFile(tmp_path / "d.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train-images-idx3-ubyte", idx(zeros))
    for name in ("d.npz", "idx", "d.zip"):
        with pytest.raises(DataError, match="far too m"):
            load(tmp_path / name)


def test_pickled_objects_are_refused(tmp_path):
    np.savez(tmp_path / "d.npz", images=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError):
        load(tmp_path / "d.npz")


# idx


def test_an_idx_folder_plain_and_compressed(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(GREY))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(LABELS))
    with gzip.open(tmp_path / "t10k-images-idx3-ubyte.gz", "wb") as file:
        file.write(idx(GREY[:2]))
    train, test = load(tmp_path)
    np.testing.assert_array_equal(train.images[..., 0], GREY)
    np.testing.assert_array_equal(train.labels, LABELS)
    np.testing.assert_array_equal(test.images[..., 0], GREY[:2])
    assert test.labels is None


def test_an_idx_file_finds_its_labels(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(GREY))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(LABELS))
    np.testing.assert_array_equal(load(tmp_path / "train-images-idx3-ubyte")[0].labels, LABELS)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\x00\x0d\x01",
        b"\x00\x00\x08\x03\x00",
        idx(GREY)[:-1],
        b"\x00\x00\x08\x01\xff\xff\xff\xff",
    ],
)
def test_a_damaged_idx_file_is_refused(data):
    with pytest.raises(DataError):
        parse_idx(data, "x")


# Folders and zips


def make_tree(names):
    return {name: png(GREY[i]) for i, name in enumerate(names)}


TREES = {
    "flat": (["a.png", "b.png"], None, None),
    "classes": (["cat/a.png", "cat/b.png", "dog/a.png"], [0, 0, 1], ("cat", "dog")),
    "in one folder": (["all/cat/a.png", "all/dog/a.png"], [0, 1], ("cat", "dog")),
}


@pytest.mark.parametrize("kind", ["folder", "zip"])
@pytest.mark.parametrize("tree", TREES)
def test_trees_of_images(tmp_path, kind, tree):
    names, labels, classes = TREES[tree]
    files = make_tree(names)
    if kind == "folder":
        path = tmp_path / "data"
        for name, data in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
    else:
        path = tmp_path / "data.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)
            archive.writestr("__MACOSX/._a.png", b"not an image")
            archive.writestr("notes.txt", "not an image")
    train, _ = load(path)
    np.testing.assert_array_equal(train.images[..., 0], GREY[: len(names)])
    assert (None if train.labels is None else train.labels.tolist()) == labels
    assert train.names == classes


def test_folders_train_and_test_are_splits(tmp_path):
    for i, name in enumerate(["train/0/a.png", "train/1/b.png", "test/1/c.png"]):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(png(COLOUR[i]))
    train, test = load(tmp_path)
    assert train.labels.tolist() == [0, 1]
    assert test.labels.tolist() == [1]
    np.testing.assert_array_equal(test.images, COLOUR[2:3])


def test_images_of_two_sizes_are_refused_by_name(tmp_path):
    (tmp_path / "a.png").write_bytes(png(GREY[0]))
    (tmp_path / "b.png").write_bytes(png(GREY[0, :3]))
    with pytest.raises(DataError, match=r"b.png is 7x3, the first image 7x5"):
        load(tmp_path)
    train, _ = load_images(str(tmp_path), mixed_shape=(8, 9, 1))
    assert train.images.shape == (2, 8, 9, 1)
    (tmp_path / "b.png").unlink()
    train, _ = load_images(str(tmp_path), mixed_shape=(8, 9, 1))
    assert train.images.shape == (1, 5, 7, 1)


@pytest.mark.allow_log("WARNING")
def test_broken_images_are_left_out_and_told_of(tmp_path, caplog):
    (tmp_path / "a.png").write_bytes(png(GREY[0])[:60])
    (tmp_path / "b.png").write_bytes(png(GREY[1]))
    (tmp_path / "c.png").write_bytes(b"no image")
    train, _ = load(tmp_path)
    np.testing.assert_array_equal(train.images[..., 0], GREY[1:2])
    assert "files left out: 2; the first, a.png, is cut short" in caplog.text


def test_without_a_sound_image_the_first_broken_one_is_named(tmp_path):
    (tmp_path / "a.png").write_bytes(png(GREY[0])[:60])
    with pytest.raises(DataError, match=r"no image that can be used: a\.png is cut short"):
        load(tmp_path)


def test_images_of_all_sizes_and_colours_are_brought_to_one_shape(tmp_path):
    (tmp_path / "a.png").write_bytes(png(GREY[0]))
    (tmp_path / "b.png").write_bytes(png(np.full((30, 9, 3), 200, np.uint8)))
    train, _ = load_images(str(tmp_path), fit=Fit("stretch"), shape=(4, 4, 3))
    assert train.images.shape == (2, 4, 4, 3)
    assert (train.images[1] == 200).all()
    np.savez(tmp_path / "d.npz", images=COLOUR)
    grey, _ = load_images(str(tmp_path / "d.npz"), shape=(8, 8, 1))
    assert grey.images.shape == (6, 8, 8, 1)


# CSV


@pytest.mark.parametrize("heading", [False, True])
def test_csv_of_pixels(tmp_path, heading):
    square = GREY[:, :4, :4]
    rows = [
        ",".join(map(str, [n, *image.ravel()])) for n, image in zip(LABELS, square, strict=True)
    ]
    if heading:
        rows.insert(0, ",".join(["label", *(f"pixel{i}" for i in range(16))]))
    (tmp_path / "d.csv").write_text("\n".join(rows) + "\n")
    train, _ = load(tmp_path / "d.csv")
    np.testing.assert_array_equal(train.images[..., 0], square)
    np.testing.assert_array_equal(train.labels, LABELS)


@pytest.mark.parametrize("heading", ["", "file,label\n"])
def test_csv_of_files(tmp_path, heading):
    for i in range(3):
        (tmp_path / f"{i}.png").write_bytes(png(GREY[i]))
    (tmp_path / "d.csv").write_text(heading + "2.png,dog\n0.png,cat\n1.png,dog\n")
    train, _ = load(tmp_path / "d.csv")
    np.testing.assert_array_equal(train.images[..., 0], GREY[[2, 0, 1]])
    assert train.labels.tolist() == [1, 0, 1]
    assert train.names == ("cat", "dog")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("1,2,3\n", "a square is wanted"),
        ("1,2\n1,2,3\n", "different lengths"),
        ("1,300\n", "outside 0..255"),
        ("1,x,2,3,4\n1,2,3,4,5\n", "no numbers"),
    ],
)
def test_a_csv_that_does_not_fit_is_told(tmp_path, text, words):
    (tmp_path / "d.csv").write_text(text)
    with pytest.raises(DataError, match=words):
        load(tmp_path / "d.csv")


# Other sources


@pytest.mark.parametrize(
    ("name", "words"),
    [("nothing", "does not exist"), ("builtin:cats", "builtin:shapes"), ("a.txt", "is none of")],
)
def test_unknown_sources_are_told(tmp_path, name, words):
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(DataError, match=words):
        load_images(name if ":" in name else str(tmp_path / name))


# MNIST's download, from a mirror of ours


@pytest.fixture
def mirror(tmp_path, monkeypatch) -> str:
    folder = tmp_path / "mirror"
    folder.mkdir()
    files = {}
    for name, array in {
        "train-images-idx3-ubyte": GREY,
        "train-labels-idx1-ubyte": LABELS,
        "t10k-images-idx3-ubyte": GREY[:2],
        "t10k-labels-idx1-ubyte": LABELS[:2],
    }.items():
        data = idx(array)
        (folder / f"{name}.gz").write_bytes(gzip.compress(data))
        files[name] = hashlib.sha256(data).hexdigest()
    monkeypatch.setattr(dataset_mnist, "FILES", files)
    return folder.as_uri() + "/"


def test_mnist_is_fetched_once_and_verified(tmp_path, mirror):
    folder = mnist_folder(tmp_path / "cache", ("file:///nowhere/", mirror))
    train, test = load(folder)
    np.testing.assert_array_equal(train.labels, LABELS)
    assert len(test.images) == 2
    assert mnist_folder(tmp_path / "cache", ()) == folder  # from the cache


def test_without_a_connection_it_is_said_plainly(tmp_path):
    with pytest.raises(DataError, match="check the connection") as raised:
        mnist_folder(tmp_path / "cache", mirrors=(f"{(tmp_path / 'none').as_uri()}/",))
    assert "urlopen" not in str(raised.value)


def test_a_damaged_file_of_the_cache_is_fetched_again(tmp_path, mirror):
    folder = mnist_folder(tmp_path / "cache", (mirror,))
    path = folder / "train-labels-idx1-ubyte"
    whole = path.read_bytes()
    path.write_bytes(b"damaged")
    mnist_folder(tmp_path / "cache", (mirror,))
    assert path.read_bytes() == whole


def test_what_is_not_mnist_is_not_kept(tmp_path, mirror, monkeypatch):
    monkeypatch.setitem(dataset_mnist.FILES, "train-images-idx3-ubyte", "0" * 64)
    with pytest.raises(DataError, match="what came is not MNIST"):
        mnist_folder(tmp_path / "cache", (mirror,))
    assert not (tmp_path / "cache" / "train-images-idx3-ubyte").exists()


def test_without_a_network_the_way_out_is_named(tmp_path):
    with pytest.raises(DataError, match="a file of yours"):
        mnist_folder(tmp_path / "cache", ("file:///nowhere/",))
