"""PyTorch's own files: the zip format, the format before it, and plain pickles around them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from genviewer.io.foreign.budget import MAX_PICKLE_BYTES, Budget, UnreadableFileError, clean
from genviewer.io.foreign.opcodes import Window
from genviewer.io.foreign.pickle_machine import PickleMachine
from genviewer.io.foreign.rebuild import Rebuilder
from genviewer.io.foreign.rebuild_torch import storage_dtype
from genviewer.io.foreign.source import memory_source
from genviewer.io.foreign.stored_tensor import Storage, item_size
from genviewer.io.foreign.zip_index import ZipIndex

if TYPE_CHECKING:
    from genviewer.io.foreign.source import ByteSource

_LEGACY_START = re.compile(
    rb"\A\x80[\x02-\x05](?:\x95.{8})?\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19\.", re.DOTALL
)
"""The magic number, pickled with any protocol: how files of torch 0.1.10 to 1.5 begin."""

_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_BYTE_ORDERS = (b"little", b"big")


@dataclass(slots=True)
class DeferredSource:
    """Bytes whose place becomes known later: in the old format data follows the pickles.

    Attributes:
        size: number of bytes.
        place: where they are, once that is known: a list that parts of it share.
        start: offset in that place.
    """

    size: int
    place: list[ByteSource]
    name: str
    start: int = 0

    def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``."""
        return self._part(offset, length).read(0, length)

    def read_into(self, offset: int, out: memoryview) -> None:
        """Fill ``out`` with the bytes from ``offset``."""
        self._part(offset, out.nbytes).read_into(0, out)

    def slice(self, offset: int, length: int) -> DeferredSource:
        """The part ``[offset, offset + length)``."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise UnreadableFileError(f"{clean(self.name, 80)} ends too early.")
        return DeferredSource(length, self.place, self.name, self.start + offset)

    def _part(self, offset: int, length: int) -> ByteSource:
        if not self.place or offset + length > self.size:
            raise UnreadableFileError(f"{clean(self.name, 80)} ends too early.")
        return self.place[0].slice(self.start + offset, length)


def read_pickle(source: ByteSource, rebuilder: Rebuilder) -> Any:
    """The value of a plain pickle, such as StyleGAN's."""
    return PickleMachine(Window(source, rebuilder.budget), rebuilder).run()


def make_rebuilder(budget: Budget, strict: bool = True) -> Rebuilder:
    """A rebuilder that reads torch files inside torch files."""

    def read_nested(source: ByteSource) -> Any:
        if is_legacy(source):
            return read_legacy(source, rebuilder)
        if source.size > 4 and source.read(0, 4) == b"PK\3\4":
            index = ZipIndex(source, budget)
            return read_zip(index, find_root(index), rebuilder)
        budget.damaged("a file inside it is of no known kind")

    rebuilder = Rebuilder(budget, read_nested, strict)
    return rebuilder


# The zip format ----------------------------------------------------------------------------------


def find_root(index: ZipIndex) -> str:
    """The folder in a torch zip that holds ``data.pkl``, with its slash; it has any name.

    Raises:
        UnreadableFileError: there is none, or more than one.
    """
    roots = [n.removesuffix("data.pkl") for n in index.entries if n.endswith("/data.pkl")]
    if len(roots) != 1 or roots[0].count("/") != 1:
        index.budget.refuse("is a zip file without exactly one PyTorch data.pkl")
    return roots[0]


def read_zip(index: ZipIndex, root: str, rebuilder: Rebuilder, pickle: str = "data") -> Any:
    """The value of ``PICKLE.pkl`` in a torch zip; tensors stay in the file.

    TorchScript's ``constants.pkl`` has its tensors in a folder ``constants``.
    """
    budget = index.budget
    name = f"{root}{pickle}.pkl"
    if name not in index.entries:
        budget.damaged(f"it has no {pickle}.pkl")
    if index.entries[name].size > MAX_PICKLE_BYTES:
        budget.refuse(f"has a table of contents of {index.entries[name].size / 1e6:.0f} MB")
    if not any(n.startswith(f"{root}code/") for n in index.entries):
        _refuse_compression(index)
    big_endian = _is_big_endian(index, root)
    storages: dict[str, Storage] = {}

    def persistent(identity: Any) -> Storage:
        key, dtype, count, _ = _storage_identity(budget, identity)
        if key not in storages:
            data = index.source_of(f"{root}{pickle}/{key}")
            storages[key] = Storage(dtype, data, big_endian)
        storage = storages[key]
        if count * item_size(dtype) != storage.nbytes or dtype != storage.dtype:
            budget.damaged("a tensor's announced size is not that of its data")
        return storage

    text = memory_source(index.read(name, MAX_PICKLE_BYTES), budget.name)
    return PickleMachine(Window(text, budget), rebuilder, persistent).run()


def _refuse_compression(index: ZipIndex) -> None:
    if any(entry.compressed for entry in index.entries.values()):
        size = sum(entry.size for entry in index.entries.values())
        index.budget.refuse(
            f"is a compressed zip file ({index.source.size / 1e6:.1f} MB that become "
            f"{size / 1e6:.1f} MB), which PyTorch never writes"
        )


def _is_big_endian(index: ZipIndex, root: str) -> bool:
    name = f"{root}byteorder"
    if name not in index.entries:
        return False
    order = index.read(name, 16)
    if order not in _BYTE_ORDERS:
        index.budget.damaged("its byte order")
    return order == b"big"


def _storage_identity(budget: Budget, identity: Any) -> tuple[str, str, int, Any]:
    """(key, dtype, number of elements, view) of ``("storage", class, key, device, count)``."""

    def refuse() -> NoReturn:
        budget.damaged("it refers to its tensors in an unknown way")

    if not isinstance(identity, tuple) or not 5 <= len(identity) <= 6 or identity[0] != "storage":
        refuse()
    dtype, key, count = storage_dtype(identity[1]), identity[2], identity[4]
    if isinstance(key, int):
        key = str(key)
    usable = isinstance(key, str) and len(key) <= 256 and type(count) is int
    if dtype is None:
        budget.refuse("has tensors of a kind that is not known here")
    if not usable or not 0 <= count < 1 << 60:
        refuse()
    return key, dtype, count, identity[5] if len(identity) == 6 else None


# The format before it ----------------------------------------------------------------------------


def is_legacy(source: ByteSource) -> bool:
    """Whether a source begins as files of torch 0.1.10 to 1.5 do."""
    return _LEGACY_START.match(source.read(0, min(source.size, 64))) is not None


def read_legacy(source: ByteSource, rebuilder: Rebuilder) -> Any:
    """The value of a file of torch 0.1.10 to 1.5: five pickles, then the storages one by one."""
    budget = rebuilder.budget
    window = Window(source, budget)

    def plain() -> Any:
        return PickleMachine(window, rebuilder).run()

    if plain() != _MAGIC_NUMBER or plain() != 1001:
        budget.damaged("its beginning")
    system = plain()
    big_endian = isinstance(system, dict) and system.get("little_endian") is False
    storages: dict[str, Storage] = {}
    views: dict[tuple[str, str, int, int], Storage] = {}

    def persistent(identity: Any) -> Any:
        if isinstance(identity, tuple) and len(identity) == 4 and identity[0] == "module":
            return identity[1]
        key, dtype, count, view = _storage_identity(budget, identity)
        size = count * item_size(dtype)
        if size > source.size:
            budget.damaged("a tensor's announced size is larger than the file")
        if key not in storages:
            data = DeferredSource(size, [], budget.name)
            storages[key] = Storage(dtype, data, big_endian)
        storage = storages[key]
        if storage.nbytes != size or storage.dtype != dtype:
            budget.damaged("a tensor's announced size is not that of its data")
        return storage if view is None else part_of(key, storage, view)

    def part_of(key: str, storage: Storage, view: Any) -> Storage:
        if not isinstance(view, tuple) or len(view) != 3 or not isinstance(view[0], str):
            budget.damaged("it refers to its tensors in an unknown way")
        name, start, count = view
        if type(start) is not int or type(count) is not int or start < 0 or count < 0:
            budget.damaged("it refers to its tensors in an unknown way")
        width = item_size(storage.dtype)
        identity = (key, name, start, count)
        if identity not in views:
            part = storage.source.slice(start * width, count * width)
            views[identity] = Storage(storage.dtype, part, big_endian)
        return views[identity]

    value = PickleMachine(window, rebuilder, persistent).run()
    _place_storages(window, plain(), storages, big_endian)
    return value


def _place_storages(
    window: Window, keys: Any, storages: dict[str, Storage], big_endian: bool
) -> None:
    """Find the data that follows the pickles: for each key its length, then its bytes."""
    budget = window.budget
    if not isinstance(keys, list) or len(keys) != len(storages):
        budget.damaged("its list of tensors")
    for key in keys:
        storage = storages.get(str(key) if isinstance(key, int | str) else "")
        if storage is None or not isinstance(storage.source, DeferredSource):
            budget.damaged("its list of tensors")
        count = int.from_bytes(window.take(8), "big" if big_endian else "little")
        if count * item_size(storage.dtype) != storage.nbytes or storage.source.place:
            budget.damaged("a tensor's announced size is not that of its data")
        storage.source.place.append(window.take_source(storage.nbytes))
