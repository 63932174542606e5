"""Real files and hostile ones, where the folder of shared test data is there."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from genviewer.io.foreign.budget import UnreadableFileError
from genviewer.io.foreign.contents import flat_tensors, module_records, plain, read_contents

WEIGHTS = ("weights.pth", "weights.pt", "weights.ckpt", "weights.pkl", "pytorch_model.bin")
WEIGHTS += ("model.pt", "model.safetensors")


@pytest.fixture(scope="module")
def fixtures(shared):
    path = shared / "fixtures"
    if not path.is_dir():
        pytest.skip(f"no fixtures: {path} is not there")
    return path


def checkpoints(fixtures):
    found = [path for name in WEIGHTS for path in sorted(fixtures.glob(f"*/{name}"))]
    assert found
    return [path for path in found if path.parent.name != "hostile"]


def flattened(value, prefix=""):
    torch = sys.modules["torch"]
    if isinstance(value, torch.Tensor):
        return {prefix: value.detach().numpy()}
    items = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list | tuple):
        items = enumerate(value)
    result = {}
    for key, child in items:
        result |= flattened(child, f"{prefix}.{key}" if prefix else str(key))
    return result


def test_state_dicts_are_those_that_torch_reads(fixtures):
    torch = pytest.importorskip("torch")
    compared = 0
    for path in checkpoints(fixtures):
        contents = read_contents(path)
        assert contents.refusal is None
        assert contents.would_run == ()
        found = flat_tensors(contents)
        assert found, path
        if contents.container.kind in ("pickle", "safetensors"):
            continue
        expected = flattened(torch.load(path, weights_only=False, map_location="cpu"))
        assert list(found) == list(expected), path
        for name, array in expected.items():
            assert found[name].array().tobytes() == np.ascontiguousarray(array).tobytes()
        compared += 1
    assert compared > 10


def test_networks_of_stylegan_have_their_options_and_arrays(fixtures):
    pickles = sorted(fixtures.glob("*stylegan*/weights.pkl"))
    assert pickles
    for path in pickles:
        contents = read_contents(path)
        modules = module_records(contents)
        options = modules["G_ema"].attributes["_init_kwargs"]
        found = flat_tensors(contents)
        mapping = found["G_ema.mapping.fc0.weight"]
        assert options["w_dim"] == mapping.shape[0]
        for name, tensor in found.items():
            array = tensor.array()
            assert array.shape == tensor.shape
            assert np.isfinite(array).all(), name


def test_namespaces_are_plain_values(fixtures):
    path = fixtures / "rand_torch_dcgan_trainckpt_namespace" / "weights.pth"
    assert plain(read_contents(path).tree, tensors=False)["args"]["nz"] == 64


HARMLESS = ("30_", "31_", "33_", "11_", "19_", "12_", "13_", "53_")
"""Those that may be read as data: nothing in them runs when they are."""


def test_nothing_hostile_is_executed_or_costly(fixtures, tmp_path):
    hostile = sorted(p for p in (fixtures / "hostile").rglob("*") if p.is_file())
    hostile += sorted(p for p in (fixtures / "hostile").iterdir() if p.is_dir())
    before = set(Path("/tmp").glob("PWNED_*"))
    code = """
import json, resource, sys, time
from genviewer.io.foreign.budget import UnreadableFileError
from genviewer.io.foreign.contents import flat_tensors, module_records, plain, read_contents
start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
result = {}
for path in sys.argv[1:]:
    for strict in (False, True):
        try:
            contents = read_contents(path, strict)
            plain(contents.tree)
            module_records(contents)
            for tensor in flat_tensors(contents).values():
                tensor.array()
            result[path] = None
        except UnreadableFileError as error:
            result[path] = str(error)
growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start) / 1024
json.dump([growth, result], sys.stdout)
"""
    run = subprocess.run(
        [sys.executable, "-c", code, *map(str, hostile)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=tmp_path,
    )
    assert run.returncode == 0, run.stderr
    growth, result = json.loads(run.stdout)
    assert growth < 500
    assert set(Path("/tmp").glob("PWNED_*")) == before
    assert not list(tmp_path.iterdir())
    for path, said in result.items():
        name = Path(path).name
        if said is None:
            if Path(path).parent.name == "hostile":
                assert name.startswith(HARMLESS), name
            continue
        assert "\n" not in said
        assert said.startswith(name[:40])
        assert said.endswith(".")


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        ("01_", "would run posix.system"),
        ("03_", "would run builtins.eval"),
        ("05_", "would run torch.utils.collect_env.run"),
        ("07_", "would run torch.serialization.os.system"),
        ("09_", "would run numpy.testing._private.utils.runstring"),
        ("15_", "incomplete or damaged"),
        ("17_", "compressed"),
        ("18_", "incomplete or damaged"),
        ("28_", "of which it stores 1"),
        ("29_", "announced size"),
        ("39_", "is empty"),
        ("40_", "PNG image, not a model"),
        ("43_", "two entries called archive/data.pkl"),
        ("45_", "NumPy array"),
        ("49_", "no known kind"),
        ("55_", r"Git LFS pointer; the real file \(13.5 MB\)"),
    ],
)
def test_the_sentence_says_what_is_wrong(fixtures, start, reason):
    (path,) = (fixtures / "hostile").glob(f"{start}*")
    with pytest.raises(UnreadableFileError, match=reason):
        read_contents(path)
