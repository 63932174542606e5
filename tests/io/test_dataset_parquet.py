"""Data sets in Parquet tables, which pyarrow itself writes here."""

import json
import os
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genviewer.io import dataset_parquet, dataset_parquet_items, dataset_spill
from genviewer.io.dataset_fit import Fit
from genviewer.io.dataset_lazy import prepare
from genviewer.io.dataset_parquet import Table
from genviewer.io.dataset_survey import UNLABELLED, survey
from genviewer.io.dataset_trees import ZipTree
from genviewer.io.dataset_values import BadFileError, DataError
from genviewer.io.datasets import load_images
from tests.io.data_files import classes, encoded, picture, write_table, write_tree, write_zip

PETS = ["cat", "dog", "eel"]
IMAGES = [picture(i, 6, 5, 3) for i in range(9)]
FILES = [encoded(image) for image in IMAGES]
LABELS = [2, 0, 1, 0, 0, 1, 2, 2, 2]


def reasons(found) -> dict[str, str]:
    return dict(found.bad)


# What comes out is what went in


def test_images_and_classes_come_back(tmp_path):
    path = write_table(tmp_path / "pets.parquet", FILES, LABELS, names=PETS, row_group_size=4)
    found = survey(path)
    assert found.kind == "a Parquet table"
    assert found.class_counts == (("cat", 3), ("dog", 2), ("eel", 4))
    assert (found.sizes, found.modes) == ((((5, 6), 9),), (("colour", 9),))
    assert (found.bad_count, found.test_count) == (0, 0)
    train, test = load_images(str(path))
    assert test is None
    np.testing.assert_array_equal(train.images, IMAGES)
    assert (train.labels.tolist(), train.names) == (LABELS, tuple(PETS))


def test_splits_are_told_by_the_names_of_shards(tmp_path):
    for name, rows in (("train-00000-of-00002", [0, 1, 2]), ("train-00001-of-00002", [3, 4, 5])):
        labels = [LABELS[i] for i in rows]
        write_table(tmp_path / f"data/{name}.parquet", [FILES[i] for i in rows], labels, names=PETS)
    for name, rows in (("test", [6, 7]), ("validation", [8])):
        place = tmp_path / f"data/{name}-00000-of-00001.parquet"
        write_table(place, [FILES[i] for i in rows], [LABELS[i] for i in rows], names=PETS)
    write_table(tmp_path / "data/extra-00000-of-00001.parquet", FILES[:2], [0, 0], names=PETS)
    (tmp_path / "README.md").write_text("# Pets")
    (tmp_path / "preview.png").write_bytes(FILES[0])
    found = survey(tmp_path)
    assert found.kind == "Parquet tables, without extra"
    assert (found.count, found.test_count) == (6, 3)
    train, test = load_images(str(tmp_path))
    np.testing.assert_array_equal(train.images, IMAGES[:6])
    np.testing.assert_array_equal(test.images, [IMAGES[8 if i == 2 else 6 + i] for i in range(3)])
    assert (train.labels.tolist(), test.labels.tolist()) == (LABELS[:6], LABELS[6:])


def test_an_image_lies_on_the_side_on_which_its_file_does(tmp_path):
    files = classes({"cat": 20, "dog": 20})
    labels = [name.partition("/")[0] for name in files]
    table = survey(write_table(tmp_path / "a.parquet", list(files.values()), labels))
    folder = survey(write_tree(tmp_path / "tree", files))
    of_row, of_file = (
        {f.items.digest(row): f.items.classes[f.items.labels[row]] for row in f.rows}
        for f in (table, folder)
    )
    assert of_row == of_file
    sides = [prepare(f, 6, 5, 1, Fit(), None, 0.3)[0].images for f in (table, folder)]
    assert {i.tobytes() for i in sides[0][:]} == {i.tobytes() for i in sides[1][:]}


@pytest.mark.allow_log("WARNING")
@pytest.mark.parametrize("room", [1 << 30, 500, 0])
def test_in_any_order_and_beyond_what_is_kept_each_row_is_its_own(
    tmp_path, monkeypatch, caplog, room
):
    monkeypatch.setattr(dataset_parquet_items, "KEPT_BYTES", 3 * len(FILES[0]))
    monkeypatch.setattr(dataset_spill, "MAX_SPILL_BYTES", room)
    images = [picture(i, 6, 5, 3) for i in range(30)]
    files = [encoded(image) for image in images]
    for shard in range(3):
        part = files[10 * shard : 10 * shard + 10]
        write_table(tmp_path / f"{shard}.parquet", part, row_group_size=2)
    found = survey(tmp_path)
    items, read = found.items, []
    of_table = Table.images
    monkeypatch.setattr(Table, "images", lambda *a: (read.append(a), of_table(*a))[1])
    order = np.random.default_rng(0).permutation(30)
    for row in (*order, *order):
        np.testing.assert_array_equal(items.pixels(int(row)), images[row])
    assert items._bytes <= 3 * len(FILES[0])
    assert items.name(17) == "1.parquet, row 7"
    # A row group may have a thousand images: only without room on the disk it is read for each.
    assert bool(read) is (room < 1 << 30)
    assert [r.message.count("no room") for r in caplog.records] == [1] * (room < 1 << 30)


def test_a_disk_that_fails_is_told_by_the_name_of_the_row(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset_parquet_items, "KEPT_BYTES", 0)
    items = survey(write_table(tmp_path / "a.parquet", FILES, row_group_size=2)).items
    os.truncate(items._spill._file.fileno(), 0)
    with pytest.raises(BadFileError, match=r"a\.parquet, row 4 cannot be read: it is shorter"):
        items.pixels(4)


@pytest.mark.parametrize(
    "options",
    [
        {"use_dictionary": False, "compression": "none"},
        {"compression": "gzip", "data_page_version": "2.0"},
        {"dictionary_pagesize_limit": 100, "data_page_size": 64, "compression": "zstd"},
        {"use_dictionary": False, "column_encoding": "DELTA_LENGTH_BYTE_ARRAY"},
    ],
)
def test_however_a_table_is_packed(tmp_path, options):
    # Equal images are written once; then the dictionary is full, and the rest is written plainly.
    files = [FILES[0], *FILES, FILES[0]]
    labels = ["cat", "dog", None, "dog", *["cat"] * 7]
    path = write_table(tmp_path / "a.parquet", files, labels, **options)
    train, _ = load_images(str(path))
    np.testing.assert_array_equal(train.images, [IMAGES[0], *IMAGES, IMAGES[0]])
    assert survey(path).class_counts == ((UNLABELLED, 1), ("cat", 8), ("dog", 2))


def test_tables_in_a_zip(tmp_path):
    data = write_table(tmp_path / "a.parquet", FILES, LABELS, names=PETS).read_bytes()
    found = survey(write_zip(tmp_path / "d.zip", {"train.parquet": data, "test.parquet": data}))
    assert (found.count, found.test_count) == (9, 9)
    np.testing.assert_array_equal(found.items.pixels(8), IMAGES[8])


@pytest.mark.allow_log("WARNING")
@pytest.mark.parametrize("room", [1 << 30, 0])
def test_a_table_in_a_zip_is_unpacked_once_and_not_for_each_row_group(tmp_path, monkeypatch, room):
    monkeypatch.setattr(dataset_spill, "MAX_SPILL_BYTES", room)
    monkeypatch.setattr(dataset_parquet_items, "KEPT_BYTES", 0)
    unpacked = []
    of_zip = ZipTree.open
    monkeypatch.setattr(ZipTree, "open", lambda *a: (unpacked.append(a[1]), of_zip(*a))[1])
    table = write_table(tmp_path / "a.parquet", FILES, LABELS, names=PETS, row_group_size=1)
    data = table.read_bytes()
    names = {"train.parquet": data, "test.parquet": data}
    items = survey(write_zip(tmp_path / "d.zip", names)).items
    for row in (8, 3, 17, 0):
        np.testing.assert_array_equal(items.pixels(row), IMAGES[row % 9])
    assert (unpacked.count("train.parquet") == 1) is (room > 0)


# Columns


def table_of(columns: dict, features: dict | None = None) -> pa.Table:
    told = {} if features is None else {"huggingface": json.dumps({"info": {"features": features}})}
    return pa.table(columns).replace_schema_metadata(told)


def of_hub(files) -> pa.Array:
    return pa.array([{"bytes": data, "path": "/etc/passwd"} for data in files])


@pytest.mark.parametrize(
    ("columns", "features", "labels"),
    [
        ({"image": of_hub(FILES), "label": LABELS}, None, ("0", "1", "2")),
        ({"photo": FILES, "category": ["a", "b", "a"] * 3}, None, ("a", "b")),
        ({"pixels": FILES, "fine_label": LABELS, "coarse_label": [7] * 9}, None, ("0", "1", "2")),
        (
            {"sound": of_hub([b"x"] * 9), "x": of_hub(FILES)},
            {"sound": {"_type": "Audio"}, "x": {"_type": "Image"}},
            (UNLABELLED,),
        ),
        (
            {"mask": of_hub(FILES[::-1]), "image": of_hub(FILES), "id": range(9), "kind": LABELS},
            {"image": {"_type": "Image"}, "mask": {"_type": "Image"}}
            | {"kind": {"_type": "ClassLabel", "names": PETS}},
            ("cat", "dog", "eel"),
        ),
        ({"image": of_hub(FILES), "label": [0, 1, None] * 3}, None, (UNLABELLED, "0", "1")),
        ({"image": of_hub(FILES), "label": [[0], [1], [2]] * 3}, None, (UNLABELLED,)),
        ({"image": of_hub(FILES), "label": [0.5] * 9}, None, (UNLABELLED,)),
        (
            {"image": of_hub(FILES), "label": LABELS},
            {"label": {"_type": "ClassLabel", "names": ["one", "one", ""]}},
            ("0", "1", "2"),
        ),
    ],
)
def test_columns_are_found(tmp_path, columns, features, labels):
    pq.write_table(table_of(columns, features), tmp_path / "a.parquet")
    found = survey(tmp_path / "a.parquet")
    assert tuple(name for name, _ in found.class_counts) == labels
    np.testing.assert_array_equal([found.items.pixels(row) for row in range(9)], IMAGES)
    assert found.bad_count == 0


def test_labels_that_are_numbers_stay_these_numbers(tmp_path):
    labels = [7, 3, 7, 9, 3, 3, 7, 7, 9]
    train, _ = load_images(str(write_table(tmp_path / "a.parquet", FILES, labels)))
    assert (train.labels.tolist(), train.names) == (labels, None)


def test_captions_are_no_classes(tmp_path):
    captions = [f"a picture of the number {i}" for i in range(150)]
    files = [encoded(picture(i)) for i in range(150)]
    found = survey(write_table(tmp_path / "a.parquet", files, captions))
    assert found.class_counts == ((UNLABELLED, 150),)


def test_tables_that_name_their_classes_otherwise_are_joined_by_name(tmp_path):
    write_table(tmp_path / "a.parquet", FILES[:3], [0, 1, 1], names=["cat", "dog"])
    write_table(tmp_path / "b.parquet", FILES[3:6], [0, 1, 2], names=["eel", "dog", "cat"])
    write_table(tmp_path / "c.parquet", FILES[6:], ["eel", "cat", "fox"])
    found = survey(tmp_path)
    assert found.class_counts == (("cat", 3), ("dog", 3), ("eel", 2), ("fox", 1))


def test_images_to_test_on_without_classes_are_left_out(tmp_path):
    write_table(tmp_path / "train.parquet", FILES[:6], LABELS[:6], names=PETS)
    write_table(tmp_path / "test.parquet", FILES[6:], [-1, -1, -1], names=PETS)
    found = survey(tmp_path)
    assert (found.test_count, found.bad_count) == (0, 1)
    assert found.class_counts == (("cat", 3), ("dog", 2), ("eel", 1))
    assert "no class" in reasons(found)["3 images to test on"]


def test_a_class_beyond_the_names_is_a_bad_row(tmp_path):
    path = write_table(tmp_path / "a.parquet", FILES, [*LABELS[:8], 3], names=PETS)
    found = survey(path)
    assert reasons(found) == {"a.parquet, row 8": "is of a class without a name"}
    assert found.class_counts == (("cat", 3), ("dog", 2), ("eel", 3))


def test_a_table_without_rows_is_none_that_is_damaged(tmp_path):
    empty = write_table(tmp_path / "test.parquet", FILES, LABELS, names=PETS)
    pq.write_table(pq.read_table(empty)[:0], empty)
    with pytest.raises(DataError, match=r"test\.parquet has no image files\."):
        survey(empty)
    write_table(tmp_path / "train.parquet", FILES, LABELS, names=PETS)
    found = survey(tmp_path)
    assert (found.count, found.test_count, found.bad_count) == (9, 0, 0)
    assert found.class_counts == (("cat", 3), ("dog", 2), ("eel", 4))
    assert found.items.own_labels()[1] == tuple(PETS)


# Which tables


def test_configurations_are_asked_about(tmp_path):
    for place in ("small/train-00000-of-00001", "large/train-00000-of-00001"):
        write_table(tmp_path / f"{place}.parquet", FILES)
    with pytest.raises(DataError, match=r"2 configurations \(large, small\): name .*/large\."):
        survey(tmp_path)
    assert survey(tmp_path / "small").count == 9
    write_table(tmp_path / "default/train/0000.parquet", FILES[:2])
    write_table(tmp_path / "default/test/0000.parquet", FILES[:1])
    found = survey(tmp_path)
    assert (found.count, found.test_count) == (2, 1)
    assert found.kind == "Parquet tables, without large, small"


def test_where_there_is_one_split_all_is_to_train_on(tmp_path):
    write_table(tmp_path / "test-00000-of-00001.parquet", FILES)
    found = survey(tmp_path)
    assert (found.count, found.test_count) == (9, 0)


def test_a_table_about_image_files_is_none_of_images(tmp_path):
    write_tree(tmp_path, classes({"cat": 2, "dog": 1}))
    pq.write_table(pa.table({"file": ["cat/0.png"]}), tmp_path / "about.parquet")
    found = survey(tmp_path)
    assert found.class_counts == (("cat", 2), ("dog", 1))
    assert found.bad_count == 0


# Hostile and broken


def test_bad_rows_are_listed_with_the_reason(tmp_path):
    (tmp_path / "secret.png").write_bytes(FILES[0])
    rows = [
        FILES[0],
        {"bytes": None, "path": str(tmp_path / "secret.png")},
        None,
        b"",
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        FILES[1][:60],
        FILES[2],
    ]
    found = survey(write_table(tmp_path / "a.parquet", rows, [0] * 7, names=PETS))
    assert found.count == 2
    told = reasons(found)
    elsewhere = "holds no image, and a path to one elsewhere is not followed"
    assert told["a.parquet, row 1"] == told["a.parquet, row 2"] == elsewhere
    assert told["a.parquet, row 3"] == "is not an image that can be read"
    assert told["a.parquet, row 4"] == "is not an image that can be read"
    assert told["a.parquet, row 5"] in ("is cut short", "is damaged")
    assert len(told) == 5


def test_a_table_that_is_damaged_is_left_out_and_the_others_are_read(tmp_path):
    write_table(tmp_path / "a.parquet", FILES)
    whole = (tmp_path / "a.parquet").read_bytes()
    broken = {"b.parquet": whole[:-100], "c.parquet": b"PAR1", "d.parquet": b"x" * 99 + b"PAR1"}
    write_tree(tmp_path, broken)
    pq.write_table(pa.table({"text": ["no image"]}), tmp_path / "e.parquet")
    found = survey(tmp_path)
    assert found.count == 9
    damaged = "is damaged or no Parquet table"
    assert [reasons(found)[name] for name in broken] == [damaged] * 3
    assert "no column of images" in reasons(found)["e.parquet"]
    (tmp_path / "a.parquet").unlink()
    with pytest.raises(DataError, match=r"b\.parquet is damaged or no Parquet table\."):
        survey(tmp_path)


def test_rows_of_a_damaged_row_group_are_left_out(tmp_path):
    path = write_table(
        tmp_path / "a.parquet", FILES, row_group_size=3, compression="gzip", use_dictionary=False
    )
    data = bytearray(path.read_bytes())
    column = pq.ParquetFile(path).metadata.row_group(1).column(0)
    start = column.data_page_offset
    data[start + 40 : start + column.total_compressed_size - 5] = bytes(
        column.total_compressed_size - 45
    )
    path.write_bytes(bytes(data))
    found = survey(path)
    assert found.count == 6
    assert list(reasons(found)) == [f"a.parquet, row {row}" for row in (3, 4, 5)]
    assert "damaged" in reasons(found)["a.parquet, row 3"]


def test_whatever_the_bytes_are_the_outcome_is_images_or_a_sentence(tmp_path):
    path = write_table(tmp_path / "a.parquet", FILES, LABELS, names=PETS, row_group_size=4)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    outcomes = set()
    for _ in range(60):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), 3):
            data[place] = rng.integers(256)
        path.write_bytes(bytes(data))
        try:
            outcomes.add("images" if survey(path).count else "none")
        except DataError as error:
            outcomes.add(f"a sentence{str(error)[-1]}")
    assert outcomes == {"images", "a sentence."}


def test_what_is_too_large_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = write_table(tmp_path / "a.parquet", [*FILES[:2], FILES[0] + bytes(5000)])
    read = []
    monkeypatch.setattr(pq.ParquetFile, "read_row_group", lambda *a, **k: read.append(a))
    monkeypatch.setattr(dataset_parquet, "MAX_GROUP_BYTES", 4000)
    with pytest.raises(DataError, match=r"row 0 is among .* bytes in one row group"):
        survey(path)
    assert not read
    monkeypatch.undo()
    monkeypatch.setattr(dataset_parquet_items, "MAX_PICTURE_BYTES", 4000)
    assert "larger than" in reasons(survey(path))["a.parquet, row 2"]
    monkeypatch.setattr(dataset_parquet, "MAX_ROWS", 2)
    with pytest.raises(DataError, match=r"a\.parquet has more than 2 rows"):
        survey(path)


def test_a_value_that_is_repeated_takes_its_memory_once(tmp_path):
    large = FILES[0] + bytes(100_000)
    path = write_table(tmp_path / "a.parquet", [large] * 100, use_dictionary=True)
    found = survey(path)
    assert (found.count, found.bad_count) == (100, 0)
    assert found.items._bytes < 200_000  # one by one they would be 10 MB


def test_values_that_grow_out_of_each_other_are_refused(tmp_path):
    """In this encoding a few bytes stand for as many as they please."""
    options = {"column_encoding": {"image.bytes": "DELTA_BYTE_ARRAY"}, "use_dictionary": ["label"]}
    path = write_table(tmp_path / "a.parquet", FILES, LABELS, **options)
    with pytest.raises(DataError, match=r"row 0 is in a part .* packed in an odd way"):
        survey(path)


def test_a_table_that_is_gone_is_told(tmp_path):
    path = write_table(tmp_path / "a.parquet", FILES)
    found = survey(path)
    train, _ = prepare(found, 6, 5, 3, Fit(), None, 0.0)
    np.testing.assert_array_equal(train.images[:], IMAGES)
    found.items._kept.clear()
    path.unlink()
    again, _ = prepare(found, 6, 5, 3, Fit(), None, 0.0)
    with pytest.raises(DataError, match=r"can no longer be read: a\.parquet does not exist"):
        again.images[0]


def test_without_the_package_the_way_to_it_is_told(tmp_path, monkeypatch):
    path = write_table(tmp_path / "a.parquet", FILES)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    words = r"a\.parquet needs pyarrow 15 .*: pip install genviewer\[parquet\]\."
    for source in (path, tmp_path):
        with pytest.raises(DataError, match=words):
            survey(source)
    write_tree(tmp_path, classes({"cat": 2}))
    found = survey(tmp_path)
    assert found.count == 2
    assert "pip install" in reasons(found)["a.parquet"]


def test_a_package_that_can_execute_what_a_file_holds_is_not_used(tmp_path, monkeypatch):
    path = write_table(tmp_path / "a.parquet", FILES)
    monkeypatch.setattr(pa, "__version__", "14.0.2")
    with pytest.raises(DataError, match=r"a\.parquet needs pyarrow 15 .*\[parquet\]\."):
        survey(path)
