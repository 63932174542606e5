"""Files of tensors: what goes wrong with the disk is an error of the system's."""

import errno

import numpy as np
import pytest
from safetensors import SafetensorError, safe_open

from genviewer.io.tensors_file import save_tensors


def test_arrays_of_any_layout_and_words_come_back(tmp_path):
    arrays = {"a": np.arange(6.0).reshape(2, 3).T, "b": np.array(7, np.int64)}
    save_tensors(tmp_path / "x.safetensors", arrays, {"made": "here"})
    with safe_open(tmp_path / "x.safetensors", "np") as file:
        assert file.metadata() == {"made": "here"}
        assert set(file.keys()) == {"a", "b"}
        for name, value in arrays.items():
            np.testing.assert_array_equal(file.get_tensor(name), value)
            assert file.get_tensor(name).shape == value.shape


def test_a_file_that_cannot_be_finished_leaves_the_older_one(tmp_path, small_files):
    path = tmp_path / "x.safetensors"
    save_tensors(path, {"a": np.zeros(4)})
    before = path.read_bytes()
    with pytest.raises(OSError, match=r"\d") as caught, small_files(4096):
        save_tensors(path, {"a": np.zeros(4096)})
    assert caught.value.errno == errno.EFBIG
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == before


def test_what_is_no_matter_of_the_disk_stays_what_it_is(tmp_path, monkeypatch):
    def refuse(*_):
        raise SafetensorError("Error while serializing: TooMany(8)")

    monkeypatch.setattr("safetensors.numpy.save_file", refuse)
    with pytest.raises(SafetensorError):
        save_tensors(tmp_path / "x.safetensors", {})
