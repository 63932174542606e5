"""A program from a file, in a process of its own with limits on memory, time and rights.

The process starts in an empty folder with a bare environment, takes messages over a pipe and
shared memory, and ends with this one, when it is closed, at the deadline of a request, or when
the person cancels.
"""

from __future__ import annotations

import atexit
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

from genviewer.core.resources import PACKAGE
from genviewer.io.cancelling import current_cancels
from genviewer.io.programs.channel import Channel, ChannelError, make_area

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from genviewer.io.cancelling import Cancels

OPEN_SECONDS = 60.0
RUN_SECONDS = 8.0
POLL_SECONDS = 0.05
UNTRUSTED_BYTES = 384 << 20
TRUSTED_BYTES = 4 << 30
"""What a program may take on top of four times its file, untrusted and trusted."""

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from genviewer.io.programs.guarded_worker import main; main()"
)
_KEPT = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL")


class ProgramError(RuntimeError):
    """A program could not be opened or run; the message ends a sentence that begins with its name.

    Attributes:
        kind: ``memory``, ``time``, ``refused``, ``gone`` or ``failed``.
    """

    def __init__(self, message: str, kind: str = "failed") -> None:
        super().__init__(message)
        self.kind = kind


def memory_for(size: int, trusted: bool) -> int:
    """How many bytes a program from a file of ``size`` bytes may take."""
    return (TRUSTED_BYTES if trusted else UNTRUSTED_BYTES) + 4 * size


class GuardedProcess:
    """One opened program. Any thread; one request at a time.

    Args:
        request: ``runtime`` (a key of the worker's RUNTIMES) and what that needs to open it.
        arrays: handed over with the request.
        memory: bytes that it may take; see :func:`memory_for`.
        threads: threads of one run.
        progress: is asked while waiting.

    Raises:
        ProgramError: if it does not open.
    """

    def __init__(
        self,
        request: dict[str, Any],
        arrays: Sequence[NDArray[Any]] = (),
        *,
        memory: int,
        threads: int = 1,
        progress: Cancels | None = None,
    ) -> None:
        self._memory = memory
        self._lock = threading.Lock()
        self._folder = tempfile.mkdtemp(prefix="genviewer-")
        area = make_area()
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | {
            "OMP_NUM_THREADS": str(threads),
            "OMP_WAIT_POLICY": "PASSIVE",
            "MALLOC_ARENA_MAX": "2",
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": self._folder,
            "TMPDIR": self._folder,
        }
        path = [str(PACKAGE.parent), *(entry for entry in sys.path if entry)]
        try:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    "-c",
                    _START,
                    json.dumps(path),
                    str(-1 if area is None else area),
                ],
                cwd=self._folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=() if area is None else (area,),
                start_new_session=True,  # an interrupt from the keyboard is ours to answer
            )
        except OSError as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise ProgramError("could not be opened in a process of its own") from error
        assert self._process.stdin is not None  # both are pipes, as asked above
        assert self._process.stdout is not None
        self._channel = Channel(self._process.stdout, self._process.stdin, area)
        if area is not None:
            os.close(area)
        self._replies: queue.SimpleQueue[tuple[dict[str, Any], list[NDArray[Any]]] | None] = (
            queue.SimpleQueue()
        )
        # The thread knows nothing of this object, which is ended when nobody holds it any more.
        self._listener = threading.Thread(
            target=_listen,
            args=(self._channel, self._replies),
            name="guarded process",
            daemon=True,
        )
        self._listener.start()
        self._finalizer = weakref.finalize(self, _end, self._process, self._folder)
        _open_processes.add(self)
        try:
            sent = request | {"memory": memory, "seconds": OPEN_SECONDS, "threads": threads}
            self.description, _none = self._ask(sent, arrays, OPEN_SECONDS, progress)
        except BaseException:
            self.close()
            raise

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def run(
        self,
        inputs: Sequence[NDArray[Any]],
        method: str = "forward",
        *,
        seconds: float = RUN_SECONDS,
        progress: Cancels | None = None,
    ) -> list[NDArray[Any]]:
        """Run the program once.

        Raises:
            ProgramError: if it fails, takes too long or too much; it is closed if it had to be
                stopped.
        """
        request = {"method": method, "seconds": seconds}
        return self._ask(request, inputs, seconds, progress)[1]

    def close(self) -> None:
        """End the process. Any thread, more than once."""
        self._process.kill()
        self._process.wait()
        if self._listener is not threading.current_thread():
            self._listener.join()
        self._channel.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._finalizer.detach()
        _open_processes.discard(self)

    def _ask(
        self,
        request: dict[str, Any],
        arrays: Sequence[NDArray[Any]],
        seconds: float,
        progress: Cancels | None,
    ) -> tuple[dict[str, Any], list[NDArray[Any]]]:
        with self._lock:
            if not self.alive:
                raise ProgramError("has ended", "gone")
            try:
                self._channel.send(request, arrays)
                answer = self._wait(seconds, progress)
            except ChannelError as error:
                self.close()
                raise ProgramError(f"failed: {error}") from error
            except BaseException:
                self.close()
                raise
        reply, outputs = answer
        if "error" in reply:
            raise self._told(reply)
        return reply, outputs

    def _wait(
        self, seconds: float, progress: Cancels | None
    ) -> tuple[dict[str, Any], list[NDArray[Any]]]:
        deadline = time.monotonic() + seconds
        progress = progress or current_cancels()
        while True:
            try:
                answer = self._replies.get(timeout=POLL_SECONDS)
            except queue.Empty:
                if progress is not None:
                    progress.check()
                if time.monotonic() > deadline:
                    raise ProgramError(f"took longer than {seconds:g} s", "time") from None
                continue
            if answer is None:
                code = self._process.wait()
                if hasattr(os, "WTERMSIG") and -code == 24:  # SIGXCPU
                    raise ProgramError("took more processor time than it may", "time")
                raise ProgramError("ended unexpectedly", "gone")
            return answer

    def _told(self, reply: dict[str, Any]) -> ProgramError:
        kind, reason = str(reply.get("kind")), str(reply["error"]).rstrip(".")
        if kind == "memory":
            limit = self._memory >> 20
            return ProgramError(f"needs more memory than the {limit} MB that it may take", kind)
        return ProgramError(reason if kind == "refused" else f"does not run: {reason}", kind)


def _listen(
    channel: Channel,
    replies: queue.SimpleQueue[tuple[dict[str, Any], list[NDArray[Any]]] | None],
) -> None:
    try:
        while True:
            replies.put(channel.receive())
    except ChannelError:
        replies.put(None)


def _end(process: subprocess.Popen[bytes], folder: str) -> None:
    process.kill()
    process.wait()
    shutil.rmtree(folder, ignore_errors=True)


_open_processes: weakref.WeakSet[GuardedProcess] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for process in list(_open_processes):
        process.close()
