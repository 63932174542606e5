"""Files of the Hub brought into its cache by a process of its own, which can be ended at any
moment: a download waits for the network in ways that nothing else interrupts.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from filelock import FileLock, Timeout

from genviewer.core.resources import PACKAGE
from genviewer.io.cancelling import check_cancelled
from genviewer.io.downloading import current_downloads, size_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_ONCE = 8
POLL_S, REPORT_S = 0.1, 0.5
_BEGUN = re.compile(r"(?P<blob>.+)\.[0-9a-f]{8}\.incomplete")
"""The client names what it has begun so where it never takes it up again."""


class Wanted(msgspec.Struct, frozen=True):
    """Files of one revision of a repository, with their sizes in bytes, and the cache's folder."""

    repo: str
    kind: str
    revision: str
    cache: str
    files: dict[str, int]

    @property
    def place(self) -> Path:
        """Where the cache keeps everything of this repository."""
        return Path(self.cache) / f"{self.kind}s--{self.repo.replace('/', '--')}"


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of the process: bytes that are there, or that it is over, and with which error.

    ``kinds`` are the names of the error's classes.
    """

    done: int = 0
    over: bool = False
    kinds: tuple[str, ...] = ()
    text: str = ""


class FetchError(Exception):
    """What the Hub's client raised in the other process; ``kinds`` names the classes of that."""

    def __init__(self, told: Told) -> None:
        super().__init__(told.text)
        self.kinds = told.kinds


def fetch_files(wanted: Wanted) -> None:
    """Bring files into the cache; any thread. What is whole stays there, however this ends.

    Raises:
        FetchError: with the client's words.
        OSError: no process can be started.
        Exception: what the caller's ``check`` raises, see :mod:`genviewer.io.cancelling`.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "genviewer.io.hub_download"],
        cwd=PACKAGE.parent,  # not a folder in which something else may have our name
        env={**os.environ, "HF_HUB_DISABLE_PROGRESS_BARS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        _follow(process, wanted)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        _clear(wanted)


def _clear(wanted: Wanted) -> None:
    """Remove what a process that was ended had begun; what another is at has a lock of its own."""
    locks = Path(wanted.cache) / ".locks" / wanted.place.name
    for path in wanted.place.glob("blobs/*.incomplete"):
        match = _BEGUN.fullmatch(path.name)
        try:
            if match is not None:
                with FileLock(locks / f"{match['blob']}.lock", timeout=0):
                    path.unlink(missing_ok=True)
        except (Timeout, OSError):
            continue


def _follow(process: subprocess.Popen[bytes], wanted: Wanted) -> None:
    """Tell how far the process is until it is over."""
    assert process.stdin is not None  # both are pipes
    assert process.stdout is not None
    lines = process.stdout
    newest = Told()

    def listen() -> None:
        nonlocal newest
        for line in lines:
            newest = msgspec.json.decode(line, type=Told)

    def send() -> None:
        # In a thread too: it waits until the other side has started and reads.
        request, sink = msgspec.json.encode(wanted) + b"\n", process.stdin
        try:
            if sink is not None:
                sink.write(request)
                sink.flush()
        except OSError:
            return  # it has ended, which the listener notices

    listener = threading.Thread(target=listen, name="genviewer-download", daemon=True)
    sender = threading.Thread(target=send, name="genviewer-download-request", daemon=True)
    listener.start()
    sender.start()
    total, report = sum(wanted.files.values()), current_downloads().report
    told = -1
    try:
        while listener.is_alive():
            check_cancelled()
            if report is not None and newest.done != told:
                told = newest.done
                words = f"Downloading: {size_in_words(told)} of {size_in_words(total)}"
                report(min(told / max(total, 1), 1.0), words)
            listener.join(POLL_S)
    finally:
        process.kill()
        listener.join()
        sender.join()
    if not newest.over:
        raise FetchError(Told(text="the download ended before it was whole."))
    if newest.kinds:
        raise FetchError(newest)


def main() -> None:
    """The other process: reads what is wanted on its input, tells on its output how far it is."""
    wanted = msgspec.json.decode(sys.stdin.buffer.readline(), type=Wanted)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for told in _fetched(wanted):
        sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
        sys.stdout.buffer.flush()
    os._exit(0)  # without waiting for downloads that go on after another has failed


def _end_with_parent() -> None:
    """Nobody waits for a download once who asked for it has gone."""
    sys.stdin.buffer.read()
    os._exit(1)


def _fetched(wanted: Wanted) -> Iterator[Told]:
    """Fetch it all; yields how far it is."""
    try:
        from huggingface_hub import hf_hub_download

        pool = ThreadPoolExecutor(AT_ONCE)
        sizes: dict[Future[str], int] = {
            pool.submit(
                hf_hub_download,
                wanted.repo,
                file,
                repo_type=wanted.kind,
                revision=wanted.revision,
                cache_dir=wanted.cache,
            ): size
            for file, size in wanted.files.items()
        }
        done, left = 0, set(sizes)
        while left:
            ended, left = wait(left, timeout=REPORT_S, return_when=FIRST_EXCEPTION)
            for future in ended:
                future.result()
                done += sizes[future]
            yield Told(done + _begun(wanted.place))
    except Exception as error:  # of the client and its transport, which share no class
        kinds = tuple(kind.__name__ for kind in type(error).__mro__)
        yield Told(over=True, kinds=kinds, text=str(error))
    else:
        yield Told(done, over=True)


def _begun(place: Path) -> int:
    """Bytes of the files that are not whole yet."""
    total = 0
    try:
        with os.scandir(place / "blobs") as entries:
            for entry in entries:
                if entry.name.endswith(".incomplete"):
                    total += entry.stat().st_size
    except OSError:
        pass  # one has just become whole, or there is none yet
    return total


if __name__ == "__main__":
    main()
