"""The devices a model can draw on.

Where only the CPU can be one, torch is not imported to find that out: its import takes seconds,
and the first picture does not need it.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from genviewer.engine.generator import LoadError

# NVIDIA's driver, its form under WSL, and AMD's compute driver.
_LINUX_ACCELERATORS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")


@dataclass(frozen=True)
class Device:
    """A device's name (``cpu``, ``cuda:0``, ``mps``) and what to call it."""

    name: str
    label: str


def usable_cores() -> int:
    """The number of cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def accelerator_possible() -> bool:
    """Whether this machine may have a device other than the CPU; a guess that needs no torch."""
    system = platform.system()
    if system == "Darwin":
        return platform.machine() == "arm64"
    if system == "Windows":
        root = Path(os.environ.get("SYSTEMROOT", r"C:\Windows"))
        return (root / "System32" / "nvcuda.dll").exists()
    return any(Path(node).exists() for node in _LINUX_ACCELERATORS)


@cache
def devices() -> tuple[Device, ...]:
    """All usable devices, the best first; the CPU is always the last. Any thread."""
    found = []
    if accelerator_possible():
        import torch

        if torch.cuda.is_available():
            for index in range(torch.cuda.device_count()):
                found.append(Device(f"cuda:{index}", torch.cuda.get_device_name(index)))
        if torch.backends.mps.is_available():
            found.append(Device("mps", "Apple GPU"))
    cores = usable_cores()
    found.append(Device("cpu", f"CPU ({cores} core{'s' if cores > 1 else ''})"))
    return tuple(found)


def choose_device(wanted: str = "auto") -> str:
    """The name of the device that ``wanted`` means: ``auto`` is the best, ``cuda`` the first GPU.

    Raises:
        LoadError: if this machine has no such device.
    """
    if wanted == "cpu":
        return "cpu"
    names = [device.name for device in devices()]
    if wanted == "auto":
        return names[0]
    if wanted == "cuda" and "cuda:0" in names:
        return "cuda:0"
    if wanted not in names:
        raise LoadError(f"There is no device {wanted!r} here; the devices are {', '.join(names)}.")
    return wanted


def training_device(wanted: str = "auto") -> str:
    """Where a model learns that is drawn on ``wanted``: on that GPU if it is one of CUDA's.

    Elsewhere on the CPU, where a run resumes bit for bit.

    Raises:
        LoadError: if this machine has no such device.
    """
    name = choose_device(wanted)
    return name if name.startswith("cuda") else "cpu"
