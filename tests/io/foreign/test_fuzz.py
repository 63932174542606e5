"""Files changed at random: they are read or refused, quickly, and leave nothing behind."""

import io
import pickle
import random
import struct
import time
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genviewer.io.foreign.budget import UnreadableFileError
from genviewer.io.foreign.contents import flat_tensors, module_records, plain, read_contents
from genviewer.io.foreign.opcodes import ARGUMENTS
from tests.io.foreign.handmade import (
    call,
    mapping,
    named,
    pickled,
    safetensors,
    tensor,
    torch_legacy,
    torch_zip,
)
from tests.io.foreign.test_contents import stylegan_record

DATA = struct.pack("<6f", *range(6))
TENSOR = tensor("0", (2, 3), (3, 1), 6)
OLD = TENSOR.replace(b"tQ", b"NtQ")
NETWORK = (
    named("a.b", "Net")
    + b")\x81"
    + mapping(_parameters=b"}", _buffers=b"}", _modules=mapping(m=stylegan_record()))
    + b"b"
)
ARRAYS = {"a": np.arange(6).reshape(2, 3), "s": np.float32(1), "t": {"x": [1, (2, 3), {4}]}}
HEADER = b'{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"__metadata__":{"x":"y"}}'


def nested() -> bytes:
    """A plain pickle with a torch file inside, as StyleGAN's have."""
    inner = torch_legacy(pickled(OLD), {"0": (6, DATA)})
    data = b"B" + struct.pack("<I", len(inner)) + inner
    return pickled(call("torch.storage", "_load_from_bytes", data))


SEEDS = [
    torch_zip(pickled(mapping(w=TENSOR)), {"0": DATA}),
    torch_zip(pickled(mapping(net=NETWORK)), {"0": DATA[:8]}),
    torch_legacy(pickled(mapping(w=OLD)), {"0": (6, DATA)}),
    nested(),
    *(pickle.dumps(ARRAYS, protocol) for protocol in range(6)),
    safetensors(HEADER, DATA),
]
TOKENS = [bytes([code]) for code in ARGUMENTS] + [
    b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\xff\xff\xff\x7f", b"\x00" * 8, b"\xff" * 8,
    b"cposix\nsystem\n", b"\x85R", b")R", b")\x81", b"}b", b"PK\1\2", b"PK\3\4", b"PK\5\6",
    b"h\x00", b"q\x00", b"\x94", b"Q", b"{", b"}", b"[", b'"shape":[', b"-1", b"99999999999999",
]  # fmt: skip


def mutated(rng: random.Random) -> bytes:
    """A seed with some bytes changed, cut, doubled, moved or put in; or a pickle in a good zip."""
    data = bytearray(rng.choice(SEEDS))
    for _ in range(rng.choice((1, 1, 2, 3, 8, 30))):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(6)
        if kind == 0 and at < len(data):
            data[at] = rng.randrange(256)
        elif kind == 1 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            data[at:at] = rng.choice(TOKENS) * rng.choice((1, 1, 1, 50, 5000))
        elif kind == 3:
            del data[at : at + rng.choice((1, 2, 4, 16, 400))]
        elif kind == 4:
            end = min(len(data), at + rng.randrange(64))
            data[at:at] = data[at:end]
        else:
            token = rng.choice(TOKENS)
            data[at : at + len(token)] = token
        if not data:
            data = bytearray(b"\x80")
    if rng.random() < 0.3:
        return torch_zip(bytes(data), {"0": DATA})
    return bytes(data)


def random_program(rng: random.Random) -> bytes:
    """Random instructions, each with an argument of the right form: deeper than noise comes."""
    body = b""
    for _ in range(rng.randrange(1, 200)):
        code = rng.choice(list(ARGUMENTS))
        body += bytes([code])
        name = ARGUMENTS[code][0]
        if name in ("BINGET", "BINPUT", "BININT1", "PROTO", "EXT1"):
            body += bytes([rng.randrange(4)])
        elif name in ("LONG_BINGET", "LONG_BINPUT", "BININT", "BINUNICODE", "BINBYTES"):
            body += struct.pack("<I", rng.choice((0, 1, 3)))
        elif name in ("GLOBAL", "INST"):
            body += rng.choice(
                (b"a\nB\n", b"torch\nFloatStorage\n", b"numpy\ndtype\n", b"builtins\nset\n")
            )
    return pickled(body, protocol=4)


def attempt(path, data: bytes) -> None:
    path.write_bytes(data)
    started = time.process_time()
    try:
        contents = read_contents(path)
        plain(contents.tree)
        module_records(contents)
        for found in list(flat_tensors(contents).values())[:50]:
            found.array()
    except UnreadableFileError as error:
        said = str(error)
        assert said.endswith(".")
        assert said.isprintable()
        assert len(said) < 400
    assert time.process_time() - started < 10


def fuzz(folder, count: int, seed: int) -> None:
    path = folder / "fuzzed.pt"
    for i in range(count):
        rng = random.Random(seed * 1_000_003 + i)
        data = random_program(rng) if i % 4 == 0 else mutated(rng)
        try:
            attempt(path, data)
        except BaseException as error:
            error.add_note(f"seed {seed}, file {i}: {data[:200]!r}")
            raise
    assert [p.name for p in folder.iterdir()] == ["fuzzed.pt"]


def test_the_seeds_are_good(tmp_path):
    for data in SEEDS:
        (tmp_path / "m").write_bytes(data)
        assert flat_tensors(read_contents(tmp_path / "m"))


@settings(max_examples=600, deadline=None)
@given(rng=st.randoms(use_true_random=True), program=st.booleans())
def test_hundreds_of_changed_files(rng, program, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzzed")
    attempt(folder / "fuzzed.pt", random_program(rng) if program else mutated(rng))
    assert [path.name for path in folder.iterdir()] == ["fuzzed.pt"]


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(1, 11))
def test_a_hundred_thousand_changed_files(tmp_path, seed):
    resource = pytest.importorskip("resource")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fuzz(tmp_path, 10_000, seed)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500 << 10


def test_changed_zips_made_by_python(tmp_path):
    """Zip files with data descriptors and 64-bit sizes, as other writers leave them."""
    rng = random.Random(5)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in {"a/data.pkl": pickled(mapping(w=TENSOR)), "a/data/0": DATA}.items():
            with archive.open(name, "w", force_zip64=True) as file:
                file.write(data)
    good = buffer.getvalue()
    attempt(tmp_path / "m", good)
    for _ in range(300):
        data = bytearray(good)
        for _ in range(rng.choice((1, 2, 5))):
            data[rng.randrange(len(data))] = rng.choice((0, 1, 255, rng.randrange(256)))
        attempt(tmp_path / "m", bytes(data))
