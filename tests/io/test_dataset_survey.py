"""What is found in data sets of every kind, sound and hostile."""

import gzip
import os
import struct
import zipfile

import numpy as np
import pytest

from genviewer.io import dataset_survey, dataset_trees
from genviewer.io.cancelling import cancelled_by
from genviewer.io.dataset_survey import UNLABELLED, survey
from genviewer.io.dataset_values import DataError
from tests.io.data_files import classes, encoded, picture, write_table, write_tree, write_zip
from tests.io.test_dataset_decode import huge_png


def reasons(found) -> dict[str, str]:
    return dict(found.bad)


def idx(array: np.ndarray) -> bytes:
    head = b"\x00\x00\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


ARRAY = np.concatenate([picture(i)[None] for i in range(6)])
LABELS = np.array([0, 7, 7, 0, 3, 7])


def npz(**arrays: np.ndarray) -> bytes:
    import io

    buffer = io.BytesIO()
    np.savez(buffer, **(arrays or {"images": ARRAY, "labels": LABELS}))
    return buffer.getvalue()


# Every kind


def test_a_folder_with_a_folder_for_each_class(tmp_path):
    files = classes({"cat": 3, "dog": 2}) | {
        "dog/wide.jpg": encoded(picture(0, 10, 30, 3), "JPEG"),
        "notes.txt": b"not an image",
        ".git/x.png": b"hidden",
    }
    found = survey(write_tree(tmp_path / "pets", files))
    assert found.kind == "a folder of images, a folder for each class"
    assert found.count == 6
    assert found.class_counts == (("cat", 3), ("dog", 3))
    assert found.sizes == (((5, 6), 5), ((30, 10), 1))
    assert found.modes == (("grey", 5), ("colour", 1))
    assert (found.bad, found.bad_count, found.test_count) == ((), 0, 0)
    assert found.has_classes


def test_a_flat_folder_has_one_class_without_a_name(tmp_path):
    found = survey(
        write_tree(tmp_path, {"a.png": encoded(picture(0)), "b.PNG": encoded(picture(1))})
    )
    assert found.class_counts == ((UNLABELLED, 2),)
    assert not found.has_classes


def test_images_beside_the_folders_of_the_classes_have_no_class(tmp_path):
    files = classes({"cat": 2}) | {"loose.png": encoded(picture(50))}
    assert survey(write_tree(tmp_path, files)).class_counts == ((UNLABELLED, 1), ("cat", 2))


def test_classes_that_are_numbers_are_in_the_order_of_numbers(tmp_path):
    found = survey(write_tree(tmp_path, classes({"10": 1, "9": 1, "1": 1})))
    assert [name for name, _ in found.class_counts] == ["1", "9", "10"]


@pytest.mark.parametrize("held", ["test", "val", "validation"])
def test_folders_of_splits(tmp_path, held):
    files = {f"train/{k}": v for k, v in classes({"cat": 3, "dog": 2}).items()}
    files |= {f"{held}/{k}": v for k, v in classes({"dog": 2}).items()}
    found = survey(write_tree(tmp_path, {f"deep/er/{k}": v for k, v in files.items()}))
    assert (found.count, found.test_count) == (5, 2)
    assert found.class_counts == (("cat", 3), ("dog", 2))


def kinds(folder):
    """The same six images with the labels 0, 7, 7, 0, 3, 7 as every kind of data set."""
    tree = {
        f"{label}/{i}.png": encoded(image)
        for i, (label, image) in enumerate(zip(LABELS, ARRAY, strict=True))
    }
    flat = {f"{i}.png": encoded(image) for i, image in enumerate(ARRAY)}
    table = "file,label\n" + "".join(f"{i}.png,{label}\n" for i, label in enumerate(LABELS))
    numbers = {
        "train-images-idx3-ubyte": idx(ARRAY[..., 0]),
        "train-labels-idx1-ubyte": idx(LABELS),
    }
    packed = {
        "train-images-idx3-ubyte.gz": gzip.compress(numbers["train-images-idx3-ubyte"]),
        "train-labels-idx1-ubyte": numbers["train-labels-idx1-ubyte"],
    }
    square = np.pad(ARRAY[..., 0], ((0, 0), (0, 0), (0, 1)))
    rows = "".join(
        f"{label}," + ",".join(map(str, image.ravel())) + "\n"
        for label, image in zip(LABELS, square, strict=True)
    )
    parquet = write_table(folder / "x.parquet", [*flat.values()], LABELS)
    contents = {
        "tree": tree,
        "table": flat | {"labels.csv": table.encode()},
        "idx": numbers,
        "idx packed": packed,
        "npz": {"data.npz": npz()},
        "pixels": {"data.csv": rows.encode()},
        "rows": {"data.parquet": parquet.read_bytes()},
    }
    for name, files in contents.items():
        yield name, write_tree(folder / name, files)
        yield f"{name} zipped", write_zip(folder / f"{name}.zip", files)
    nested = write_tree(folder / "nested", {"data.zip": (folder / "tree.zip").read_bytes()})
    yield "a zip in a folder", nested
    yield "a file", folder / "npz" / "data.npz"
    yield "a table", folder / "table" / "labels.csv"
    yield "rows", folder / "pixels" / "data.csv"
    yield "a Parquet table", parquet
    yield "an idx file", folder / "idx" / "train-images-idx3-ubyte"


def test_every_kind_of_data_set_gives_the_same_images_and_classes(tmp_path):
    tried = 0
    for name, path in kinds(tmp_path):
        found = survey(path)
        assert found.class_counts == (("0", 2), ("3", 1), ("7", 3)), name
        assert found.bad_count == 0, name
        images = {
            (found.items.pixels(row)[:, :5].tobytes(), found.items.classes[found.items.labels[row]])
            for row in found.rows
        }
        wanted = zip(ARRAY, LABELS, strict=True)
        assert images == {(image.tobytes(), str(label)) for image, label in wanted}, name
        tried += 1
    assert tried == 20


def test_a_table_of_the_hubs_kind_is_read_by_its_heading(tmp_path):
    table = "split,label,file_name\ntrain,cat,a.png\ntrain,dog,b.png\n"
    files = {"a.png": encoded(picture(0)), "b.png": encoded(picture(1))}
    found = survey(write_tree(tmp_path, files | {"metadata.csv": table.encode()}))
    assert found.class_counts == (("cat", 1), ("dog", 1))


def test_tables_of_splits_say_what_is_in_their_folders(tmp_path):
    files = {
        f"data/{part}/{i}.png": encoded(picture(10 * n + i))
        for n, part in enumerate(("train", "test"))
        for i in range(3)
    }
    rows = "file_name,label\n0.png,cat\n1.png,dog\n2.png,cat\n"
    files |= {f"data/{part}/metadata.csv": rows.encode() for part in ("train", "test")}
    found = survey(write_tree(tmp_path, files))
    assert found.class_counts == (("cat", 2), ("dog", 1))
    assert (found.count, found.test_count) == (3, 3)


def test_captions_are_no_classes(tmp_path):
    rows = "".join(f"{i}.png,a picture of the number {i}\n" for i in range(150))
    files = {f"{i}.png": encoded(picture(i)) for i in range(150)}
    found = survey(write_tree(tmp_path, files | {"d.csv": ("file_name,text\n" + rows).encode()}))
    assert found.class_counts == ((UNLABELLED, 150),)


def test_a_file_that_is_a_link_is_the_file(tmp_path):
    write_tree(tmp_path / "far", {"0.png": encoded(picture(0)), "d.csv": b"0.png,cat\n"})
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "d.csv").symlink_to(tmp_path / "far" / "d.csv")
    assert survey(tmp_path / "near" / "d.csv").class_counts == (("cat", 1),)


def test_several_files_that_could_be_meant_are_told(tmp_path):
    write_tree(tmp_path, {"a.npz": npz(), "b.npz": npz()})
    with pytest.raises(DataError, match="2 other files that could hold some: name the one"):
        survey(tmp_path)


# Hostile and broken


def test_bad_files_are_left_out_with_the_reason(tmp_path):
    secret = write_tree(tmp_path / "secret", {"s.png": encoded(picture(9))})
    data = write_tree(
        tmp_path / "data",
        {
            "good.png": encoded(picture(0)),
            "huge.png": huge_png(30_000, 30_000),
            "cut.jpg": encoded(picture(0, 60, 60, 3), "JPEG")[:500],
            "text.png": b"no image at all",
            "empty.gif": b"",
            "script.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        },
    )
    (data / "link.png").symlink_to(secret / "s.png")
    (data / "gone.png").symlink_to(data / "nowhere.png")
    (data / "inside.png").symlink_to(data / "good.png")
    (data / "folder").symlink_to(secret, target_is_directory=True)
    os.mkfifo(data / "pipe.png")
    found = survey(data)
    assert found.count == 2  # good.png, and the link to it
    assert found.bad_count == 9
    told = reasons(found)
    assert "many pixels" in told["huge.png"]
    assert told["cut.jpg"] == "is cut short"
    assert told["text.png"] == "is not an image that can be read"
    assert told["script.png"] == "is not an image that can be read"
    assert "leads out of the folder" in told["link.png"]
    assert told["gone.png"] == "does not exist"
    assert "not followed" in told["folder"]
    assert told["pipe.png"] == "is a named pipe, not a file"


def test_a_table_that_names_files_elsewhere_gets_none_of_them(tmp_path):
    write_tree(tmp_path, {"out.png": encoded(picture(1)), "d/in.png": encoded(picture(0))})
    (tmp_path / "d" / "way").symlink_to(tmp_path)
    table = f"in.png,a\n../out.png,b\n{tmp_path}/out.png,c\nway/out.png,d\n../../etc/x.png,e\n"
    (tmp_path / "d" / "d.csv").write_text(table)
    found = survey(tmp_path / "d" / "d.csv")
    assert found.class_counts == (("a", 1),)
    assert found.bad_count == 4
    assert "leads out of the folder" in reasons(found)["../out.png"]
    assert "not a path inside" in reasons(found)[f"{tmp_path}/out.png"]
    assert "leads out of the folder" in reasons(found)["way/out.png"]


def test_names_that_climb_out_of_a_zip_are_not_looked_at(tmp_path):
    files = {"../up.png": encoded(picture(0)), "a.png": encoded(picture(1))}
    found = survey(write_zip(tmp_path / "d.zip", files))
    assert [found.items.name(int(row)) for row in found.rows] == ["a.png"]


def test_an_entry_of_a_zip_that_unpacks_to_too_much_is_left_out(tmp_path, monkeypatch):
    path = tmp_path / "d.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.png", bytes(5_000_000))
        archive.writestr("a.png", encoded(picture(0)))
    for tree in (dataset_trees.ZipTree, dataset_trees.FolderTree):
        monkeypatch.setattr(tree.open, "__defaults__", (1_000_000,))
    found = survey(path)
    assert found.count == 1
    assert "far too many" in reasons(found)["bomb.png"]


def test_a_zip_that_means_two_things_is_refused(tmp_path):
    path = write_zip(tmp_path / "d.zip", {"a.png": encoded(picture(0))})
    path.write_bytes(b"#!/bin/sh\n" + path.read_bytes())
    with pytest.raises(DataError, match=r"d\.zip"):
        survey(path)


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset_trees, "MAX_FILES", 3)
    write_tree(tmp_path, classes({"a": 4}))
    with pytest.raises(DataError, match="more than 3 files"):
        survey(tmp_path)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"readme.txt": b""}, "no image files, nor another file that holds some"),
        ({"a/0.parquet": b"PAR1"}, "is damaged or no Parquet table"),
        (
            {"a.png": b"x", "b.png": b"y"},
            "no image that can be used: a.png is not an image .*1 more",
        ),
        ({"d.csv": b"file,label\n" + b"," * 5_000_000}, "far too long"),
        ({"d.csv": b"\xff\xfe\x00"}, "not text in UTF-8"),
        ({"d.npz": b"PK\x03\x04 nothing"}, "not a data set that can be read"),
        ({"d.npz": npz(images=np.zeros((4, 8, 8, 2), np.uint8))}, "2 channels; 1, 3 or 4"),
        ({"d.npz": npz(images=np.zeros((4, 8, 8, 5), np.uint8))}, "5 channels; 1, 3 or 4"),
        ({"d.npz": npz(images=np.zeros((4, 0, 0), np.uint8))}, "of 0x0 pixels"),
        ({"d.npz": npz(images=ARRAY[:0])}, "has no images"),
        ({"d.npz": npz(images=ARRAY, labels=LABELS[:5])}, "not one label .*5 for 6"),
        (
            {"train-images.idx3": idx(ARRAY), "train-labels.idx1": idx(np.arange(9))},
            "not one label .*9 for 6",
        ),
        (
            {"d.npz": npz(train_images=ARRAY, test_images=ARRAY[:2], test_labels=LABELS)},
            "not one label .*6 for 2",
        ),
    ],
)
def test_what_cannot_be_used_is_told_in_one_sentence(tmp_path, files, words):
    with pytest.raises(DataError, match=words) as caught:
        survey(write_tree(tmp_path, files))
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_images_to_test_on_without_labels_cost_the_others_none(tmp_path):
    arrays = npz(train_images=ARRAY, train_labels=LABELS, test_images=ARRAY[:2])
    source = write_tree(tmp_path, {"d.npz": arrays}) / "d.npz"
    found = survey(source)
    assert found.class_counts == (("0", 2), ("3", 1), ("7", 3))
    assert found.test_count == 0
    assert found.bad_count == 1
    assert "no labels" in reasons(found)["the images to test on"]


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        survey(tmp_path / "nothing")


def test_names_from_outside_are_made_plain(tmp_path):
    write_tree(tmp_path, {"a\x1b[31m/b.png": encoded(picture(0)), "c\n/d\u202e.png": b""})
    found = survey(tmp_path)
    assert found.class_counts[0][0].isprintable()
    assert found.bad[0][0].isprintable()


# Progress and cancelling


def test_the_survey_tells_how_far_it_is_and_can_be_ended(tmp_path):
    write_tree(tmp_path, classes({"a": 40}))
    told = []
    survey(tmp_path, lambda done, text: told.append((done, text)))
    assert told[0][0] == 0.0
    assert told[-1] == (1.0, "40 images")

    class StopError(Exception):
        pass

    def stop(_done, _text):
        raise StopError

    with pytest.raises(StopError):
        survey(tmp_path, stop)

    class Cancels:
        def check(self):
            raise StopError

    with cancelled_by(Cancels()), pytest.raises(StopError):
        survey(tmp_path)


# Pictures


def test_thumbnails_show_the_middle_in_colour(tmp_path):
    wide = np.zeros((10, 40, 3), np.uint8)
    wide[:, 10:20] = 200, 0, 0
    found = survey(write_tree(tmp_path, {"a.png": encoded(wide)}))
    thumbnail = found.thumbnails([0], 16)
    assert thumbnail.shape == (1, 16, 16, 3)
    assert thumbnail[0, :, 0].tolist() == [[200, 0, 0]] * 16
    assert thumbnail[0, :, 15].tolist() == [[0, 0, 0]] * 16


def test_samples_are_reduced_and_keep_their_proportions(tmp_path):
    found = survey(write_tree(tmp_path, {"a.png": encoded(picture(0, 300, 900, 3))}))
    assert found.sample(0, 256).shape == (85, 256, 3)
    np.testing.assert_array_equal(found.sample(0, 1000), picture(0, 300, 900, 3))


def test_rows_of_a_class_are_taken_evenly(tmp_path):
    found = survey(write_tree(tmp_path, classes({"a": 5, "b": 10})))
    names = [found.items.name(found.rows[row]) for row in found.rows_of("b", 3)]
    assert names == ["b/0.png", "b/4.png", "b/9.png"]
    assert len(found.rows_of("a", 100)) == 5
    assert len(found.rows_of("c", 100)) == 0


def test_of_many_images_only_the_first_are_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset_survey, "DECODED_IMAGES", 3)
    sound = encoded(picture(0, 40, 40))
    broken = bytearray(sound)
    broken[len(sound) // 2] ^= 255  # its end is there, its middle is damaged
    files = {f"{i}.png": encoded(picture(i)) for i in range(3)} | {"9.png": bytes(broken)}
    assert survey(write_tree(tmp_path / "late", files)).bad_count == 0
    files = {"0.png": bytes(broken)} | {f"{i}.png": encoded(picture(i)) for i in range(1, 3)}
    assert reasons(survey(write_tree(tmp_path / "early", files))) == {"0.png": "is damaged"}
