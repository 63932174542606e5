"""The guarded process, with ONNX programs, which start soonest."""

import gc
import os
import signal
import threading
import time

import numpy as np
import pytest

from genviewer.io.cancelling import cancelled_by
from genviewer.io.programs.guarded_process import GuardedProcess, ProgramError, memory_for
from tests.tiny_onnx import LATENT, expected, write_bomb, write_decoder, write_endless


def opened(path, **changes) -> GuardedProcess:
    request = {"runtime": "onnx", "path": str(path)}
    memory = changes.pop("memory", memory_for(path.stat().st_size, False))
    return GuardedProcess(request, memory=memory, **changes)


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def z():
    return np.random.default_rng(0).standard_normal((3, LATENT)).astype(np.float32)


def test_it_computes_what_numpy_computes(tmp_path, z):
    process = opened(write_decoder(tmp_path / "d.onnx", label="index"))
    try:
        (image,) = process.run([z, np.array([0, 2, 1])])
    finally:
        process.close()
    np.testing.assert_allclose(image, expected(z, [0, 2, 1]), atol=1e-6)


def test_a_memory_bomb_is_one_sentence(tmp_path):
    process = None
    try:
        with pytest.raises(ProgramError, match="memory") as caught:  # noqa: PT012 - either may
            process = opened(write_bomb(tmp_path / "bomb.onnx"))
            process.run([np.zeros((1, 64), np.float32)])
    finally:
        if process is not None:
            process.close()
    assert caught.value.kind == "memory"


def test_an_endless_loop_ends_at_the_deadline(tmp_path):
    process = opened(write_endless(tmp_path / "loop.onnx"))
    with pytest.raises(ProgramError, match="longer than") as caught:
        process.run([np.zeros((1, 64), np.float32)], seconds=0.3)
    assert caught.value.kind == "time"
    assert not process.alive


class Cancelled(Exception):  # noqa: N818 - as the job lane calls it
    pass


class Stop:
    def __init__(self):
        self.asked = threading.Event()

    def check(self):
        self.asked.set()
        raise Cancelled


def test_cancel_ends_a_run_and_the_process(tmp_path):
    process = opened(write_endless(tmp_path / "loop.onnx"))
    with pytest.raises(Cancelled):
        process.run([np.zeros((1, 64), np.float32)], seconds=60, progress=Stop())
    assert not process.alive


def test_whoever_waits_around_it_can_cancel(tmp_path):
    process = opened(write_endless(tmp_path / "loop.onnx"))
    with pytest.raises(Cancelled), cancelled_by(Stop()):
        process.run([np.zeros((1, 64), np.float32)], seconds=60)
    assert not process.alive


def test_a_failed_run_leaves_it_usable(tmp_path, z):
    process = opened(write_decoder(tmp_path / "d.onnx"))
    try:
        with pytest.raises(ProgramError) as caught:
            process.run([z[:, :-1]])
        assert caught.value.kind == "failed"
        np.testing.assert_allclose(process.run([z])[0], expected(z), atol=1e-6)
    finally:
        process.close()


def test_a_killed_process_is_one_sentence(tmp_path, z):
    process = opened(write_decoder(tmp_path / "d.onnx"))
    os.kill(process._process.pid, signal.SIGKILL)
    with pytest.raises(ProgramError):
        process.run([z])
    with pytest.raises(ProgramError):
        process.run([z])
    process.close()


def test_nobody_holding_it_ends_it(tmp_path):
    process = opened(write_decoder(tmp_path / "d.onnx"))
    pid = process._process.pid
    del process
    gc.collect()
    assert gone(pid)


def test_its_folder_goes_with_it(tmp_path):
    process = opened(write_decoder(tmp_path / "d.onnx"))
    folder = process._folder
    assert os.path.isdir(folder)
    process.close()
    assert not os.path.exists(folder)


def test_a_file_that_is_none_is_told(tmp_path):
    (tmp_path / "x.onnx").write_bytes(b"nothing")
    with pytest.raises(ProgramError, match="not a readable ONNX"):
        opened(tmp_path / "x.onnx")
