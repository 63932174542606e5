"""What a process gives up before it runs a program from a file.

Memory and processor time are limited everywhere but on Windows. On Linux a filter over system
calls also takes away writing to files, the network, other programs and other processes, for good
and without any privilege (seccomp, kernel 3.17 and later). What a system lacks is left out: the
parent's deadline and the separate process remain.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys

RESERVE_BYTES = 64 << 20
"""Address space that Python itself may need on top of what the program is allowed."""

_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_LOAD, _JUMP_EQUAL, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_EPERM, _ENOSYS = 1, 38
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CLONE_THREAD = 0x10000

# Numbers of the system calls that are refused, by machine: sockets, programs and processes, names
# and sizes of files, and what reaches into other processes.
_REFUSED = {
    "x86_64": (
        41, 42, 43, 49, 50, 53, 57, 58, 59, 62, 76, 77, 82, 83, 84, 85, 86, 87, 88, 90, 91, 92, 93,
        94, 101, 129, 132, 133, 155, 160, 161, 165, 166, 188, 189, 190, 200, 234, 235, 248, 250,
        256, 258, 259, 260, 261, 263, 264, 265, 266, 268, 272, 280, 288, 297, 308, 310, 311, 316,
        321, 322, 323, 424, 425, 426, 427, 437, 438, 452,
    ),
    "aarch64": (
        5, 6, 7, 33, 34, 35, 36, 37, 38, 39, 40, 41, 45, 46, 51, 52, 53, 54, 55, 88, 97, 117, 129,
        130, 131, 138, 164, 198, 199, 200, 201, 202, 203, 217, 219, 221, 240, 241, 268, 270, 271,
        276, 280, 281, 282, 424, 425, 426, 427, 437, 438, 452,
    ),
}  # fmt: skip
_OPEN = {"x86_64": {2: 1, 257: 2}, "aarch64": {56: 2}}  # call: which argument holds the flags
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE3 = 435
_MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


class _Step(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("yes", ctypes.c_ubyte),
        ("no", ctypes.c_ubyte),
        ("value", ctypes.c_uint),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.POINTER(_Step)))


def limit_memory(extra_bytes: int) -> None:
    """Let this process's address space grow by ``extra_bytes`` and no more."""
    if sys.platform == "win32":
        return
    import resource

    limit = _address_space() + extra_bytes + RESERVE_BYTES
    _soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    except (ValueError, OSError):  # macOS does not know this limit
        return


def limit_processor(seconds: float) -> None:
    """End this process after ``seconds`` more of processor time, all threads together."""
    if sys.platform == "win32":
        return
    import resource

    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(usage.ru_utime + usage.ru_stime + seconds * (os.cpu_count() or 1)) + 2
    _soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def give_up_rights() -> bool:
    """No files longer than nothing, no core dumps, and on Linux the filter over system calls.

    Returns:
        Whether that filter is in place, for every thread. Comes after everything is imported and
        before any program is read.
    """
    if sys.platform == "win32":
        return False
    import resource

    for what in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(what, (0, 0))
    return sys.platform == "linux" and _filter_system_calls()


def _address_space() -> int:
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 4 << 30


def _filter_system_calls() -> bool:
    steps = _steps(platform.machine())
    if steps is None:
        return False
    program = _Program(len(steps), (_Step * len(steps))(*steps))
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        # 38: no new privileges, which the kernel asks for. 317/277: seccomp, for all threads.
        if libc.prctl(38, 1, 0, 0, 0):
            return False
        call = {"x86_64": 317, "aarch64": 277}[platform.machine()]
        return bool(libc.syscall(call, 1, 1, ctypes.byref(program)) == 0)
    except (OSError, AttributeError):
        return False


def _steps(machine: str) -> list[_Step] | None:
    """The filter: a program that looks at each system call's number and, for some, at one flag."""
    if machine not in _MACHINES:
        return None
    refused, missing, allowed = (
        _Step(_RETURN, 0, 0, _REFUSE | _EPERM),
        _Step(_RETURN, 0, 0, _REFUSE | _ENOSYS),
        _Step(_RETURN, 0, 0, _ALLOW),
    )
    steps = [
        _Step(_LOAD, 0, 0, 4),  # the architecture: another one would have other numbers
        _Step(_JUMP_EQUAL, 1, 0, _MACHINES[machine]),
        refused,
        _Step(_LOAD, 0, 0, 0),
    ]
    if machine == "x86_64":  # the x32 numbers begin here
        steps += [_Step(_JUMP_ANY_BIT, 0, 1, 0x40000000), refused]
    for number in _REFUSED[machine]:
        steps += [_Step(_JUMP_EQUAL, 0, 1, number), refused]
    # The C library falls back to clone, whose flags can be seen, where clone3 is missing.
    steps += [_Step(_JUMP_EQUAL, 0, 1, _CLONE3), missing]
    for number, argument in _OPEN[machine].items():
        steps += [
            _Step(_JUMP_EQUAL, 0, 4, number),
            _Step(_LOAD, 0, 0, 16 + 8 * argument),
            _Step(_JUMP_ANY_BIT, 0, 1, _WRITE_FLAGS),
            refused,
            allowed,
        ]
    steps += [
        _Step(_JUMP_EQUAL, 0, 4, _CLONE[machine]),
        _Step(_LOAD, 0, 0, 16),
        _Step(_JUMP_ANY_BIT, 1, 0, _CLONE_THREAD),
        refused,
        allowed,
        allowed,
    ]
    return steps
