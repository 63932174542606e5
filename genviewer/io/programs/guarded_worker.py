"""The other process: gives up its rights, opens one program, and runs it when asked.

It is started by :mod:`genviewer.io.programs.guarded_process` and ends when that one goes.
"""

from __future__ import annotations

import importlib
import os
import queue
import sys
import threading
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from genviewer.io.programs import sandbox
from genviewer.io.programs.channel import Channel, ChannelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MAX_REASON = 300


class Program(Protocol):
    """Something that was opened and can run."""

    def describe(self) -> dict[str, Any]:
        """What is known of its inputs, outputs and sizes, as JSON."""
        ...

    def run(self, method: str, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run ``method`` on the inputs in their order."""
        ...


class Runtime(NamedTuple):
    """Where a kind of program is opened, and what is imported before rights are given up."""

    module: str
    imports: tuple[str, ...] = ()


RUNTIMES: dict[str, Runtime] = {
    "onnx": Runtime("genviewer.io.programs.run_onnx"),
    "torchscript": Runtime("genviewer.io.programs.run_torchscript"),
    "exported": Runtime("genviewer.io.programs.run_exported"),
    "module": Runtime("genviewer.io.programs.run_module", ("torchvision", "einops")),
}


def main() -> None:
    """Serve until the other side goes. ``argv``: the search path, the area's descriptor or -1."""
    area = int(sys.argv[2])
    writer = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)  # what the program prints is no message of ours
    os.dup2(quiet, 2)
    channel = Channel(sys.stdin.buffer, writer, None if area < 0 else area)
    messages: queue.SimpleQueue[tuple[dict[str, Any], list[NDArray[Any]]]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(channel, messages), daemon=True).start()
    _serve(channel, messages)


def _listen(
    channel: Channel, messages: queue.SimpleQueue[tuple[dict[str, Any], list[NDArray[Any]]]]
) -> None:
    """Hand on messages; end this process at once when the other side has gone."""
    try:
        while True:
            messages.put(channel.receive())
    except ChannelError:
        os._exit(0)


def _serve(
    channel: Channel, messages: queue.SimpleQueue[tuple[dict[str, Any], list[NDArray[Any]]]]
) -> None:
    program: Program | None = None
    while True:
        request, arrays = messages.get()
        outputs: list[NDArray[Any]] = []
        try:
            if program is None:
                program = _open(request, arrays)
                reply = program.describe()
            else:
                sandbox.limit_processor(float(request["seconds"]))
                outputs = program.run(str(request["method"]), arrays)
                reply = {}
            channel.send(reply, outputs)
        except ChannelError as error:
            _tell(channel, {"error": str(error), "kind": "failed"})
        except MemoryError:
            _tell(channel, {"error": "", "kind": "memory"})
        except Exception as error:  # whatever a program may raise is told to the other side
            _tell(channel, _reason(error))


def _tell(channel: Channel, reply: dict[str, Any]) -> None:
    try:
        channel.send(reply)
    except ChannelError:
        os._exit(0)


def _reason(error: Exception) -> dict[str, str]:
    text = " ".join(str(error).split())
    lowered = text.lower()
    memory = any(
        words in lowered
        for words in ("can't allocate memory", "bad_alloc", "failed to allocate", "out of memory")
    )
    kind = "memory" if memory else "failed"
    if type(error).__name__ == "ProgramRefused":
        kind = "refused"
    return {"error": text[:MAX_REASON] or type(error).__name__, "kind": kind}


def _open(request: dict[str, Any], arrays: list[NDArray[Any]]) -> Program:
    runtime = RUNTIMES[request["runtime"]]
    module = importlib.import_module(runtime.module)
    for name in runtime.imports:
        try:
            importlib.import_module(name)
        except ImportError:  # a program may do without; one that does not will say so
            continue
    sandbox.give_up_rights()
    sandbox.limit_memory(int(request["memory"]))
    sandbox.limit_processor(float(request["seconds"]))
    program: Program = module.open_program(request, arrays)
    return program
