"""Which tables are read, by names such as those on the Hub."""

import pytest

from genviewer.io.dataset_shards import choose_shards, is_shard, is_table
from genviewer.io.dataset_values import DataError


@pytest.mark.parametrize(
    ("names", "train", "held", "without"),
    [
        # As ylecun/mnist, uoft-cs/cifar10, ethz/food101, and one of an older library.
        ("mnist/train-00000-of-00001 mnist/test-00000-of-00001", [0], [1], ""),
        ("plain_text/test-00000-of-00001 plain_text/train-00000-of-00001", [1], [0], ""),
        (
            "data/train-00000-of-00002 data/train-00001-of-00002 data/validation-00000-of-00001",
            [0, 1], [2], "",
        ),
        ("data/train-00000-of-00001-1359597a978bc4fa data/valid-00000-of-00001-ab", [0], [1], ""),
        ("default/train/0000 default/partial-test/0000 other/train/0000", [0], [1], "other"),
        ("train.x/a validation/b test/c", [0], [1, 2], ""),
        ("a b sub/c", [0, 1], [], "sub"),
        ("dev-00000-of-00001", [0], [], ""),
        ("all test", [0], [1], ""),
        ("data/train-00000-of-00001 data/unlabeled-00000-of-00001", [0], [], "unlabeled"),
        ("latest contest", [0, 1], [], ""),
    ],
)  # fmt: skip
def test_splits_and_configurations(names, train, held, without):
    tables = [f"{name}.parquet" for name in names.split()]
    found = choose_shards(tables, "place")
    assert [n for n, h in zip(found.names, found.held, strict=True) if not h] == [
        tables[i] for i in train
    ]
    assert [n for n, h in zip(found.names, found.held, strict=True) if h] == [
        tables[i] for i in held
    ]
    assert found.without == without


def test_configurations_without_a_usual_one_are_named():
    tables = [f"{c}/{s}-00000-of-00001.parquet" for c in "ba" for s in ("train", "test")]
    with pytest.raises(DataError, match=r"^place has 2 .* \(a, b\): name .*, as in place/a\.$"):
        choose_shards(tables, "place")
    many = [f"{number:02d}/train.parquet" for number in range(20)]
    with pytest.raises(DataError, match=r"\(00, 01, 02, 03, 04, 05, …\)"):
        choose_shards(many, "place")


def test_names_of_tables():
    assert is_table("data/A.PARQUET")
    assert not is_table("train/metadata.parquet")
    assert is_shard("train-00000-of-00001.parquet")
    assert is_shard("train-00000-of-00001-1359597a978bc4fa.parquet")
    assert not is_shard("train.parquet")
