"""Which devices there are, and how one is chosen."""

import subprocess
import sys

import pytest

from genviewer.engine import device
from genviewer.engine.device import Device, choose_device, training_device
from genviewer.engine.generator import LoadError

GPUS = (Device("cuda:0", "A"), Device("cuda:1", "B"), Device("cpu", "CPU"))


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [("auto", "cuda:0"), ("cuda", "cuda:0"), ("cuda:1", "cuda:1"), ("cpu", "cpu")],
)
def test_the_best_device_is_chosen_unless_another_is_named(monkeypatch, wanted, chosen):
    monkeypatch.setattr(device, "devices", lambda: GPUS)
    assert choose_device(wanted) == chosen


def test_a_device_that_is_not_there_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(device, "devices", lambda: GPUS)
    with pytest.raises(LoadError, match=r"no device 'mps'.*cuda:0, cuda:1, cpu"):
        choose_device("mps")


def test_a_model_learns_where_it_is_drawn_if_that_is_a_gpu_of_cuda(monkeypatch):
    monkeypatch.setattr(device, "devices", lambda: GPUS)
    assert [training_device(name) for name in ("auto", "cuda:1", "cpu")] == [
        "cuda:0", "cuda:1", "cpu",
    ]  # fmt: skip
    monkeypatch.setattr(device, "devices", lambda: (Device("mps", "M"), Device("cpu", "CPU")))
    assert training_device("auto") == "cpu"


def test_the_cpu_is_always_there():
    assert device.devices()[-1].name == "cpu"
    assert "core" in device.devices()[-1].label


def test_without_an_accelerator_torch_is_not_asked():
    if device.accelerator_possible():
        pytest.skip("this machine may have an accelerator")
    code = (
        "import sys; from genviewer.engine.device import choose_device;"
        "choose_device(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False", done.stderr
