"""The process that fetches, with a client in the place of huggingface_hub: no network is used."""

import os
import threading

import pytest

from genviewer.engine.jobs import Cancelled
from genviewer.io.cancelling import cancelled_by
from genviewer.io.downloading import Downloads, downloading
from genviewer.io.hub_download import FetchError, Wanted, fetch_files

CLIENT = '''
"""Writes a file of the size that its name says; "hang" never ends, "gated" may not be had."""
import os, time
from pathlib import Path

class GatedRepoError(Exception):
    pass

def hf_hub_download(repo, file, *, repo_type, revision, cache_dir):
    assert os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] == "1"
    place = Path(cache_dir) / f"{repo_type}s--{repo.replace('/', '--')}"
    blobs, target = place / "blobs", place / "snapshots" / revision / file
    blobs.mkdir(parents=True, exist_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    if file == "gated":
        raise GatedRepoError("ask first")
    if file == "hang":
        (blobs / "abc.0123abcd.incomplete").write_bytes(bytes(3_000_000))
        (blobs / "pid").write_text(str(os.getpid()))
        time.sleep(600)
    target.write_bytes(bytes(int(file)))
    return str(target)
'''


@pytest.fixture
def wanted(tmp_path, monkeypatch):
    """A function that makes a wish of these files, which the other process fetches by CLIENT."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "huggingface_hub.py").write_text(CLIENT)
    monkeypatch.setenv("PYTHONPATH", str(modules))
    return lambda **files: Wanted("owner/name", "dataset", "c0ffee", str(tmp_path), files)


def test_files_are_fetched_and_what_is_done_is_told(wanted):
    told = []
    wish = wanted(**{"7": 7, "2000000": 2_000_000})
    with downloading(Downloads(report=lambda done, text: told.append((done, text)))):
        fetch_files(wish)
    folder = wish.place / "snapshots" / "c0ffee"
    assert sorted(path.name for path in folder.iterdir()) == ["2000000", "7"]
    assert all(0.0 <= done <= 1.0 and text.endswith("of 2 MB") for done, text in told)


def test_what_the_client_raises_is_told(wanted):
    with pytest.raises(FetchError, match="ask first") as raised:
        fetch_files(wanted(gated=1))
    assert "GatedRepoError" in raised.value.kinds


def test_a_cancelled_download_ends_at_once_and_leaves_nothing_begun(wanted):
    class Hand:
        """Cancels when it has seen some of the file."""

        seen = threading.Event()

        def check(self):
            if self.seen.is_set():
                raise Cancelled

    def report(done, text):
        if "3 MB of 9 MB" in text:
            Hand.seen.set()

    wish = wanted(hang=9_000_000)
    other = wish.place / "blobs" / "def.incomplete"  # an older client goes on with such a one
    other.parent.mkdir(parents=True)
    other.write_bytes(b"")
    with (
        cancelled_by(Hand()),
        downloading(Downloads(report=report)),
        pytest.raises(Cancelled),
    ):
        fetch_files(wish)
    assert [path.name for path in wish.place.glob("blobs/*.incomplete")] == ["def.incomplete"]
    with pytest.raises(ProcessLookupError):
        os.kill(int((wish.place / "blobs" / "pid").read_text()), 0)
