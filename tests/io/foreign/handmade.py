"""Files written byte by byte, so that the readers are checked against the formats themselves."""

from __future__ import annotations

import struct
import zlib

MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."


def text(value: str) -> bytes:
    """BINUNICODE."""
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def integer(value: int) -> bytes:
    """BININT, or LONG1 where that does not suffice."""
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    return b"\x8a\x09" + value.to_bytes(9, "little", signed=True)


def named(module: str, name: str) -> bytes:
    """GLOBAL."""
    return f"c{module}\n{name}\n".encode()


def call(module: str, name: str, *args: bytes) -> bytes:
    """GLOBAL, the arguments, REDUCE."""
    return named(module, name) + b"(" + b"".join(args) + b"tR"


def pickled(*parts: bytes, protocol: int = 2) -> bytes:
    """A whole pickle."""
    return bytes([0x80, protocol]) + b"".join(parts) + b"."


def numbers(*values: int) -> bytes:
    """A tuple of integers."""
    return b"(" + b"".join(map(integer, values)) + b"t"


def storage(key: str, count: int, kind: str = "FloatStorage") -> bytes:
    """The persistent id of a storage, looked up."""
    return (
        b"("
        + text("storage")
        + named("torch", kind)
        + text(key)
        + text("cpu")
        + integer(count)
        + b"tQ"
    )


def tensor(
    key: str,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    count: int,
    offset: int = 0,
    kind: str = "FloatStorage",
) -> bytes:
    """A call of _rebuild_tensor_v2."""
    hooks = call("collections", "OrderedDict")
    return call(
        "torch._utils",
        "_rebuild_tensor_v2",
        storage(key, count, kind),
        integer(offset),
        numbers(*shape),
        numbers(*strides),
        b"\x89",
        hooks,
    )


def mapping(**values: bytes) -> bytes:
    """A dictionary."""
    return b"}(" + b"".join(text(k) + v for k, v in values.items()) + b"u"


def zipped(
    entries: list[tuple[str, bytes]], compressed: bool = False, sizes: dict[str, int] | None = None
) -> bytes:
    """A zip file; ``sizes`` lies about how large an entry becomes."""
    body, directory = b"", b""
    for name, data in entries:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = packer.compress(data) + packer.flush() if compressed else data
        method = 8 if compressed else 0
        raw = name.encode()
        size = (sizes or {}).get(name, len(data))
        common = struct.pack(
            "<4H3L2H", 0, method, 0, 0, zlib.crc32(data), len(packed), size, len(raw), 0
        )
        directory += (
            struct.pack("<4sH", b"PK\1\2", 20)
            + struct.pack("<H", 20)
            + common
            + struct.pack("<3H2L", 0, 0, 0, 0, len(body))
            + raw
        )
        body += struct.pack("<4sH", b"PK\3\4", 20) + common + raw + packed
    end = struct.pack(
        "<4s4H2LH", b"PK\5\6", 0, 0, len(entries), len(entries), len(directory), len(body), 0
    )
    return body + directory + end


def torch_zip(pickle: bytes, data: dict[str, bytes] | None = None, root: str = "archive") -> bytes:
    """A file as torch.save writes it."""
    entries = [(f"{root}/data.pkl", pickle), (f"{root}/version", b"3\n")]
    entries += [(f"{root}/data/{key}", value) for key, value in (data or {}).items()]
    return zipped(entries)


def torch_legacy(pickle: bytes, data: dict[str, tuple[int, bytes]]) -> bytes:
    """A file as torch before 1.6 wrote it; ``data`` is key -> (count, bytes)."""
    keys = b"](" + b"".join(map(text, data)) + b"e"
    system = mapping(little_endian=b"\x88")
    result = MAGIC + pickled(integer(1001)) + pickled(system) + pickle + pickled(keys)
    return result + b"".join(struct.pack("<q", n) + raw for n, raw in data.values())


def safetensors(header: bytes, data: bytes = b"") -> bytes:
    """A safetensors file with a header of any kind."""
    return struct.pack("<Q", len(header)) + header + data
