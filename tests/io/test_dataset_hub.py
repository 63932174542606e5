"""Data sets of the Hub, from a folder in the layout of its cache: no network is used."""

import sys

import numpy as np
import pytest
from msgspec.structs import replace

from genviewer.engine.jobs import Cancelled
from genviewer.io import dataset_hub, hub_download
from genviewer.io.dataset_hub import cached_data, fetch_data, parse_data_name, wanted_data
from genviewer.io.dataset_survey import survey
from genviewer.io.dataset_values import DataError
from genviewer.io.datasets import load_images
from genviewer.io.downloading import Downloads, downloading
from genviewer.io.hub import refused_download
from tests.io.data_files import classes, encoded, picture, write_table, write_zip

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A function that puts files into the cache as a data set, each a link to a blob."""
    from huggingface_hub import constants

    root = tmp_path / "hub"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(root))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    def put(files, repo="owner/name", revision="main"):
        place = root / f"datasets--{repo.replace('/', '--')}"
        snapshot = place / "snapshots" / COMMIT
        for part in (place / "blobs", snapshot, place / "refs"):
            part.mkdir(parents=True)
        (place / "refs" / revision).write_text(COMMIT)
        for index, (name, data) in enumerate(files.items()):
            blob = place / "blobs" / f"{index:040x}"
            blob.write_bytes(data)
            (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
            up = "../" * (name.count("/") + 2)
            (snapshot / name).symlink_to(f"{up}blobs/{blob.name}")
        return snapshot

    return put


def test_a_folder_of_images_in_the_cache_is_surveyed(cache):
    files = {f"data/{name}": data for name, data in classes({"cat": 3, "dog": 2}).items()}
    cache(files | {"README.md": b"# Pets"})
    found = survey("hf-data://owner/name")
    assert found.class_counts == (("cat", 3), ("dog", 2))
    assert (found.source, found.bad_count) == ("hf-data://owner/name", 0)
    train, _ = load_images("hf-data://owner/name")
    np.testing.assert_array_equal(train.images[0], picture(0))


def test_a_link_out_of_the_data_sets_own_cache_is_left_out(cache, tmp_path):
    snapshot = cache({"a.png": encoded(picture(0))})
    (tmp_path / "secret.png").write_bytes(encoded(picture(1)))
    (snapshot / "b.png").symlink_to(tmp_path / "secret.png")
    found = survey("hf-data://owner/name")
    assert found.count == 1
    assert "leads out of the folder" in dict(found.bad)["b.png"]


def test_images_in_a_zip_with_a_table_beside_them(cache, tmp_path):
    table = b"file_name,label\n0.png,cat\n1.png,dog\n"
    files = {f"{i}.png": encoded(picture(i)) for i in range(2)} | {"metadata.csv": table}
    cache({"data.zip": write_zip(tmp_path / "x.zip", files).read_bytes()})
    assert survey("hf-data://owner/name").class_counts == (("cat", 1), ("dog", 1))


def shards(tmp_path, *places):
    """Tables of two images, by their names."""
    path = tmp_path / "x.parquet"
    result = {}
    for number, place in enumerate(places):
        images = [encoded(picture(2 * number + i)) for i in range(2)]
        result[place] = write_table(path, images, [0, 1], names=["cat", "dog"]).read_bytes()
    return result


def test_parquet_tables_in_the_cache_are_surveyed(cache, tmp_path):
    files = shards(
        tmp_path, "data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"
    )
    cache(files | {"README.md": b"# Pets"})
    found = survey("hf-data://owner/name")
    assert found.class_counts == (("cat", 1), ("dog", 1))
    assert (found.count, found.test_count, found.bad_count) == (2, 2, 0)
    train, test = load_images("hf-data://owner/name")
    np.testing.assert_array_equal(train.images, [picture(0), picture(1)])
    np.testing.assert_array_equal(test.images, [picture(2), picture(3)])


def test_a_table_of_the_cache_is_read_by_its_own_name(cache, tmp_path):
    name = "train-00000-of-00001.parquet"
    snapshot = cache(shards(tmp_path, name))
    assert survey(snapshot / name).items.name(1) == f"{name}, row 1"


def test_of_several_configurations_a_folder_is_one(cache, tmp_path):
    names = [f"{place}/train-00000-of-00001.parquet" for place in ("small", "large")]
    snapshot = cache(shards(tmp_path, *names), revision="v2")
    assert fetch_data("hf-data://owner/name/large@v2") == snapshot / "large"
    train, _ = load_images("hf-data://owner/name/large@v2")
    np.testing.assert_array_equal(train.images, [picture(2), picture(3)])
    with pytest.raises(DataError, match="2 configurations"):
        fetch_data("hf-data://owner/name@v2")


def test_a_revision_is_that_revision(cache):
    snapshot = cache({"a.png": encoded(picture(0))}, revision="v2")
    assert fetch_data("hf-data://owner/name@v2") == snapshot
    with pytest.raises(DataError, match="cannot be reached"):
        fetch_data("hf-data://owner/name@main")


def test_a_run_that_goes_on_downloads_nothing(cache, monkeypatch):
    from huggingface_hub import constants

    from genviewer.engine.train_config import DataConfig, TrainConfig, VAEObjective
    from genviewer.engine.training_data import load_training_images

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.HfApi", lambda: pytest.fail("the Hub was asked"))
    stages = {"channels": [8], "blocks": [1], "encoder_blocks": [1]}
    sizes = {"type": "residual_vae", "image_size": 8, "latent_dim": 2} | stages
    data = DataConfig("hf-data://owner/name")
    config = TrainConfig("bars", 1, data, sizes, vae=VAEObjective())
    with pytest.raises(DataError, match="hf download owner/name --repo-type dataset"):
        load_training_images(config, downloads=False)
    cache({f"{i}.png": encoded(picture(i, 8, 8)) for i in range(3)})
    images, test = load_training_images(config, downloads=False)
    assert (images.source, test) == ("hf-data://owner/name", None)
    np.testing.assert_array_equal(images.images[2], picture(2, 8, 8))


@pytest.mark.parametrize(
    "text", ["hf-data://", "hf-data://a/b//c", "hf-data://a/../b", "hf-data://a/b/../c", "hf://a/b"]
)
def test_what_is_no_name_is_told(text):
    with pytest.raises(DataError, match="no data set on the Hub"):
        parse_data_name(text)


def test_only_what_holds_images_is_wanted():
    names = [
        "README.md",
        "train/a.PNG",
        "data.zip",
        "load.py",
        "x.parquet",
        "t10k-images-idx3-ubyte",
    ]
    wanted = ["train/a.PNG", "data.zip", "x.parquet", "t10k-images-idx3-ubyte"]
    assert wanted_data(names) == wanted
    shards = [f"data/{split}-00000-of-00001.parquet" for split in ("train", "test")]
    more = ["data/extra-00000-of-00001.parquet", "raw/train-00000-of-00001.parquet"]
    assert wanted_data([*names[:-2], *more, *shards]) == shards


class Api:
    """A Hub that knows one data set."""

    sizes = {"a[1].png": 900_000_000, "setup.py": 5}  # noqa: RUF012 - a test replaces it

    def dataset_info(self, *_args, **_kwargs):
        from types import SimpleNamespace

        files = [SimpleNamespace(rfilename=name, size=n) for name, n in self.sizes.items()]
        return SimpleNamespace(siblings=files, sha=COMMIT)


@pytest.fixture
def online(tmp_path, monkeypatch):
    """What the Hub was asked for; the fetching process is another's, and puts empty files."""
    import huggingface_hub
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    calls = []

    def fetch_files(wanted):
        calls.append(wanted)
        for file in wanted.files:
            path = wanted.place / "snapshots" / wanted.revision / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encoded(picture(0)))

    monkeypatch.setattr(hub_download, "fetch_files", fetch_files)
    return calls


def test_a_large_download_is_refused_until_it_is_agreed_to(online):
    with (
        downloading(Downloads(how="say so")),
        pytest.raises(DataError, match="is 900 MB to download: say so") as refused,
    ):
        fetch_data("hf-data://owner/name")
    assert refused_download(refused.value).size == 900_000_000
    assert not online
    with downloading(Downloads(agreed=True)):
        folder = fetch_data("hf-data://owner/name")
    assert [file.name for file in folder.iterdir()] == ["a[1].png"]
    assert fetch_data("hf-data://owner/name") == folder  # what is there is not asked about again
    assert len(online) == 1


def test_only_what_is_wanted_is_downloaded_and_is_there_without_a_network(online, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(Api, "sizes", {"a.png": 5, "b/c.png": 6, "setup.py": 5})
    folder = fetch_data("hf-data://owner/name")
    (wanted,) = online
    assert (wanted.repo, wanted.kind, wanted.revision) == ("owner/name", "dataset", COMMIT)
    assert wanted.files == {"a.png": 5, "b/c.png": 6}
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert fetch_data("hf-data://owner/name") == folder


def test_only_the_tables_that_are_read_are_downloaded(online, monkeypatch):
    shards = {f"data/{split}-00000-of-00001.parquet": 5 for split in ("train", "test", "extra")}
    monkeypatch.setattr(
        Api, "sizes", {"preview.png": 5, "raw.zip": 10**12, "README.md": 5} | shards
    )
    fetch_data("hf-data://owner/name")
    assert list(online[0].files) == list(shards)[:2]


def test_tables_are_not_downloaded_without_what_reads_them(online, monkeypatch):
    monkeypatch.setattr(Api, "sizes", {"data/train-00000-of-00001.parquet": 5})
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(DataError, match=r"needs pyarrow.* pip install genviewer\[parquet\]"):
        fetch_data("hf-data://owner/name")
    assert not online


def test_what_was_downloaded_in_part_is_no_data_set(online, monkeypatch):
    from huggingface_hub import constants

    whole = hub_download.fetch_files
    place = None

    def break_off(wanted):
        nonlocal place
        place = wanted.place
        (place / "refs").mkdir()
        (place / "refs" / "main").write_text(COMMIT)  # as another program may have left it
        whole(replace(wanted, files={"a.png": 5}))
        raise Cancelled

    monkeypatch.setattr(Api, "sizes", {"a.png": 5, "b.png": 6})
    monkeypatch.setattr(hub_download, "fetch_files", break_off)
    with pytest.raises(Cancelled):
        fetch_data("hf-data://owner/name")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match="in part only"):
        fetch_data("hf-data://owner/name")
    with pytest.raises(DataError, match="hf download owner/name"):
        cached_data("hf-data://owner/name")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub_download, "fetch_files", whole)
    fetch_data("hf-data://owner/name")
    assert online[-1].files == {"b.png": 6}  # the rest
    assert cached_data("hf-data://owner/name") == place / "snapshots" / COMMIT


def test_what_another_program_left_in_part_is_no_data_set(cache):
    """The client's own listing of a snapshot tells."""
    client = pytest.importorskip("huggingface_hub._tree_cache", reason="an older client")
    snapshot = cache({"a.png": encoded(picture(0))})
    names = ("a.png", "README.md", "b.png")
    entry = client.TreeCacheEntry(size=5, blob_id="0" * 40)
    place = str(snapshot.parent.parent)
    client.write_tree_cache(place, COMMIT, dict.fromkeys(names[:2], entry))
    assert cached_data("hf-data://owner/name") == snapshot
    client.write_tree_cache(place, COMMIT, dict.fromkeys(names, entry))
    with pytest.raises(DataError, match="in part only"):
        fetch_data("hf-data://owner/name")


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        (
            {"a/train-00000-of-00001.parquet": 5, "b/test-00000-of-00001.parquet": 5},
            "hf-data://owner/name has 2 configurations .a, b.: .* hf-data://owner/name/a",
        ),
        ({"README.md": 5}, "has no images"),
    ],
)
def test_what_cannot_be_read_is_not_downloaded(online, monkeypatch, sizes, words):
    monkeypatch.setattr(Api, "sizes", sizes)
    with pytest.raises(DataError, match=words):
        fetch_data("hf-data://owner/name")
    assert not online


def test_an_error_of_the_client_is_a_sentence(online, monkeypatch):
    class RepositoryNotFoundError(Exception):
        pass

    def fail(*_args, **_kwargs):
        raise RepositoryNotFoundError

    monkeypatch.setattr(Api, "dataset_info", fail)
    with pytest.raises(DataError, match="There is no data set hf-data://owner/name on the Hub"):
        dataset_hub.fetch_data("hf-data://owner/name")
