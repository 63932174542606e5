"""The benchmarks run on a small model and give what the command line promises."""

import shutil

import msgspec
import numpy as np
import pytest
import torch

from genviewer.bench import baseline, drag, export, forward, results, start, suite, window
from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec
from genviewer.engine.generator import load_generator
from genviewer.engine.onnx_export import export_decoder
from genviewer.io.bundle import Config, write_bundle
from genviewer.nets.families import build
from tests.engine.linear import LinearGenerator

FIELDS = {"name", "model", "value", "unit", "baseline", "ratio", "target", "met"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A small conditional decoder with its ONNX file."""
    network = {
        "type": "residual_vae",
        "image_size": 8,
        "latent_dim": 4,
        "classes": 3,
        "hidden": 16,
        "channels": [8, 8],
    }
    classes = (ConditionSpec("class", "class", 3),)
    spec = Spec("tiny", "vae", LatentSpec(4), ImageSpec(1, 8, 8), classes, encoder=True)
    model = build(network).eval()
    tensors = {name: value.numpy() for name, value in model.state_dict().items()}
    written = write_bundle(tmp_path_factory.mktemp("m") / "t", Config(spec, network), tensors, "")
    export_decoder(model, spec, written.model_id, written.accelerator_path)
    return written


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    threads = torch.get_num_threads()
    monkeypatch.setattr(results, "REPEATS", 2)
    monkeypatch.setattr(drag, "REPEATS", 1)
    monkeypatch.setattr(drag, "SECONDS", 0.2)
    monkeypatch.setattr(start, "REPEATS", 1)
    monkeypatch.setattr(export, "REPEATS", 2)
    monkeypatch.setattr(export, "SAMPLES", 40)
    monkeypatch.setattr(baseline, "GEMM_SIDE", 64)
    yield
    torch.set_num_threads(threads)


def test_operations_are_counted_by_hand(bundle):
    bare = baseline.BareDecoder(bundle)
    one = bare.flops(1)
    assert bare.flops(10) == 10 * one
    # The latent's linear layer alone: 4 x 16 multiplications and additions.
    assert one > 2 * 4 * 16
    assert bare.convolutional()


def test_the_bare_decoder_draws_what_the_engine_draws(bundle):
    z, y = baseline.inputs(bundle.spec, 5)
    raw = baseline.BareDecoder(bundle).call(5)().numpy()
    assert np.allclose(raw, load_generator(bundle).decode(z, y), atol=1e-5)


def test_forward_compares_with_torch_and_with_the_matrix_rate(bundle):
    found = {result.name: result for result in forward.measure(bundle)}
    assert set(found) == {
        "forward_batch_1",
        "forward_batch_10_of_gemm",
        "forward_batch_64_of_gemm",
    }
    one = found["forward_batch_1"]
    assert one.ratio == pytest.approx(one.baseline / one.value)
    assert all(result.value > 0 for result in found.values())


def test_a_drag_answers_every_event(bundle):
    generator = load_generator(bundle)
    alone = drag.drag(generator, "focus", 1, seconds=0.3)
    assert len(alone.latencies) == int(0.3 * drag.RATE_HZ)
    assert alone.sheets_per_s == 0
    beside = drag.drag(generator, "grid", 9, seconds=0.3)
    assert len(beside.latencies) == int(0.3 * drag.RATE_HZ)
    assert beside.sheets_per_s > 0
    assert 0 < beside.p95_ms < 1000


def test_a_drag_is_reported_for_each_size_of_sheet(bundle, monkeypatch):
    monkeypatch.setattr(
        window, "drag_window", lambda bundle, view: window.WindowDrag(5.0, 9.0, 99.0, 100)
    )
    found = {result.name: result for result in drag.measure(bundle)}
    assert {"drag_focus_p95", "drag_focus_p95_64_cells", "drag_focus_p95_1024_cells"} < set(found)
    assert found["sheets_per_s_64_cells"].baseline > 0
    assert found["window_drag_p95"].value == 9.0
    assert found["window_drag_p95"].met
    assert not found["window_drag_longest_stall"].met


def test_the_real_window_follows_a_drag(bundle):
    measured = window.drag_window(bundle, "grid", seconds=0.5)
    assert measured.events > 20
    assert 0 < measured.p50_ms <= measured.p95_ms
    assert measured.stall_ms > 0


def test_a_start_is_measured_in_processes_of_its_own(bundle):
    found = {result.name: result for result in start.measure(bundle)}
    assert found["start_first_sample"].baseline > found["start_first_sample"].value
    assert found["start_window_painted"].value > 0
    assert found["start_window_first_sample"].value > 0


def test_a_window_that_cannot_open_is_one_sentence(bundle, tmp_path):
    folder = tmp_path / "broken"
    shutil.copytree(bundle.path, folder)
    (folder / "model.safetensors").write_bytes(b"cut")
    broken = msgspec.structs.replace(bundle, path=folder)
    with pytest.raises(window.WindowError, match=r"The window failed: .*model\.safetensors"):
        window.start_window(broken)


def test_results_are_what_the_command_line_promises(bundle, monkeypatch):
    monkeypatch.setattr("genviewer.engine.library.bundled_models", lambda: (bundle,))
    told = []
    document = suite.run(["forward"], told.append)
    assert set(document) == {"machine", "results"}
    assert all(set(result) == FIELDS for result in document["results"])
    assert told == ["forward: tiny"]


def test_an_export_is_held_against_its_two_halves(bundle):
    png, *memory = export.measure(bundle)
    assert set(msgspec.to_builtins(png)) == FIELDS
    assert (png.name, png.unit) == ("export_png", "1/s")
    assert png.value > 0
    assert png.baseline > 0
    assert png.met == (png.ratio >= 0.9)
    assert [result.unit for result in memory] in (["MB"], [])


def test_a_scatter_is_moved_and_zoomed_by_real_events():
    from genviewer.bench import scatter

    longest, usual = scatter.measure(500)
    assert (longest.name, usual.name) == ("scatter_stall", "scatter_p50")
    assert 0.0 < usual.value <= longest.value


def test_a_drag_of_two_linked_models_waits_for_both():
    from genviewer.bench.linked import drag_pair

    one, two = LinearGenerator(seed=1), LinearGenerator(seed=2, name="other", delay=0.02)
    drag = drag_pair(one, two, seconds=0.4)
    assert drag.latencies
    assert min(drag.latencies) >= 0.02
    assert len(two.calls) > 3
