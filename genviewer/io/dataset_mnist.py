"""``mnist``: the data set of handwritten digits, fetched once and verified."""

from __future__ import annotations

import gzip
import hashlib
import urllib.error
import urllib.request
import zlib
from pathlib import Path

import platformdirs

from genviewer.io.atomic import write_bytes
from genviewer.io.dataset_values import DataError

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
# sha256 of the unpacked files: whatever a mirror's compression, the images are the same.
FILES = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
TIMEOUT_S = 30.0
MAX_FILE_BYTES = 64 << 20


def mnist_folder(folder: Path | None = None, mirrors: tuple[str, ...] = MIRRORS) -> Path:
    """The folder with MNIST's four idx files, fetched into the user's cache if they are missing.

    Raises:
        DataError: no mirror could be reached, or what came is not MNIST.
    """
    folder = folder or Path(platformdirs.user_cache_dir("genviewer")) / "mnist"
    for name, digest in FILES.items():
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            write_bytes(path, _fetch(name, digest, mirrors))
    return folder


def _fetch(name: str, digest: str, mirrors: tuple[str, ...]) -> bytes:
    reason = ""
    for mirror in mirrors:
        try:
            with urllib.request.urlopen(f"{mirror}{name}.gz", timeout=TIMEOUT_S) as reply:
                data = gzip.decompress(reply.read(MAX_FILE_BYTES))
        except (urllib.error.URLError, OSError, EOFError, zlib.error) as error:
            # urllib wraps what the system says
            reason = str(getattr(getattr(error, "reason", error), "strerror", None) or error)
            continue
        if hashlib.sha256(data).hexdigest() == digest:
            return data
        reason = "what came is not MNIST"
    raise DataError(
        f"MNIST could not be fetched ({reason}): check the connection, or choose a file of yours."
    )
