"""What the limits take away, tried in a process of its own."""

import platform
import subprocess
import sys

import pytest

from genviewer.core.resources import PACKAGE

TRY = """
import sys
sys.path.insert(0, sys.argv[1])
import os, socket, mmap, threading
from genviewer.io.programs import sandbox
filtered = sandbox.give_up_rights()
sandbox.limit_memory(50 << 20)
place = sys.argv[2]
def tried(name, action):
    try:
        action()
    except (OSError, MemoryError):
        out.append(name + ":refused")
    else:
        out.append(name + ":done")
out = ["filter:" + str(filtered)]
tried("write", lambda: open(place + "/new", "w"))
tried("append", lambda: open(place + "/old", "ab"))
tried("read", lambda: open(place + "/old", "rb").read())
tried("mkdir", lambda: os.mkdir(place + "/folder"))
tried("unlink", lambda: os.unlink(place + "/old"))
tried("rename", lambda: os.rename(place + "/old", place + "/older"))
tried("link", lambda: os.symlink("/etc", place + "/link"))
tried("socket", lambda: socket.socket())
tried("fork", os.fork)
tried("exec", lambda: os.execv("/bin/true", ["true"]))
tried("kill", lambda: os.kill(os.getppid(), 0))
tried("memory", lambda: bytearray(400 << 20))
def thread():
    t = threading.Thread(target=lambda: None)
    t.start()
    t.join()
tried("thread", thread)
print(" ".join(out))
"""


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"),
    reason="system calls are filtered on Linux on x86-64 and ARM",
)
def test_rights_are_given_up(tmp_path):
    (tmp_path / "old").write_bytes(b"content")
    result = subprocess.run(
        [sys.executable, "-I", "-c", TRY, str(PACKAGE.parent), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = dict(item.split(":") for item in result.stdout.split())
    assert found.pop("filter") == "True"
    assert {name for name, what in found.items() if what == "done"} == {"read", "thread"}
    assert {path.name for path in tmp_path.iterdir()} == {"old"}
    assert (tmp_path / "old").read_bytes() == b"content"
