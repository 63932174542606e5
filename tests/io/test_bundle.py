"""Bundles on disk: what is written is read back, and what is damaged is refused by name."""

from __future__ import annotations

import importlib
import json
import struct
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec
from genviewer.io.bundle import (
    CONFIG_NAME,
    WEIGHTS_NAME,
    Bundle,
    BundleError,
    Config,
    in_another,
    open_bundle,
    write_bundle,
)

if TYPE_CHECKING:
    from pathlib import Path

SPEC = Spec(
    "tiny",
    "vae",
    LatentSpec(2),
    ImageSpec(1, 4, 4),
    (ConditionSpec("class", "class", 3, ("a", "b", "c")),),
)


def weights(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {"decoder.w": rng.standard_normal((16, 2)).astype(np.float32), "b": np.arange(3)}


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return write_bundle(tmp_path / "tiny", Config(SPEC, {"type": "x"}), weights(), "# Tiny\n")


def test_a_bundle_survives_the_disk(bundle: Bundle) -> None:
    again = open_bundle(bundle.path)
    assert again == bundle
    assert again.spec == SPEC
    assert again.parameters == 35
    assert again.card() == "# Tiny\n"


def test_weights_of_bfloat16_are_read_as_float32_and_those_of_no_number_are_told(
    bundle: Bundle,
) -> None:
    values = torch.tensor([[0.5, -3.0], [1024.0, 1e-30]]).bfloat16()
    narrow = values.to(torch.float8_e4m3fn)

    def check() -> None:
        save_file({"decoder.w": values, "b": torch.arange(3)}, bundle.weights_path)
        found = open_bundle(bundle.path).tensors()
        assert found["decoder.w"].dtype == np.float32
        np.testing.assert_array_equal(found["decoder.w"], values.float().numpy())
        np.testing.assert_array_equal(found["b"], np.arange(3))
        save_file({"decoder.w": narrow}, bundle.weights_path)
        with pytest.raises(BundleError, match=r"write them as float32|type"):
            open_bundle(bundle.path).tensors()

    check()
    importlib.import_module("ml_dtypes")  # which teaches NumPy these types, for the whole process
    check()


def test_the_model_id_follows_weights_and_use_but_not_the_name(
    bundle: Bundle, tmp_path: Path
) -> None:
    def model_id(spec: Spec, network: dict[str, object], seed: int = 0) -> str:
        config = Config(spec, network)
        return write_bundle(tmp_path / "other", config, weights(seed), "").model_id

    renamed = msgspec.structs.replace(SPEC, name="another")
    ranged = msgspec.structs.replace(SPEC, image=ImageSpec(1, 4, 4, (-1.0, 1.0)))
    assert model_id(renamed, {"type": "x"}) == bundle.model_id
    assert model_id(ranged, {"type": "x"}) != bundle.model_id
    assert model_id(SPEC, {"type": "y"}) != bundle.model_id
    assert model_id(SPEC, {"type": "x"}, seed=1) != bundle.model_id


def _set_header(path: Path, header: bytes) -> None:
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 64)


@pytest.mark.parametrize(
    "header",
    [
        b"[]",
        b"{",
        b'{"w": {"dtype": "F32", "shape": [1000000000], "data_offsets": [0, 4000000000]}}',
        b'{"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 8]}}',
        b'{"w": {"dtype": "F32", "shape": [-4], "data_offsets": [0, -16]}}',
        b'{"w": {"dtype": "Q9", "shape": [4], "data_offsets": [0, 16]}}',
        b'{"w": {"dtype": "F32", "shape": ["x"], "data_offsets": [0, 16]}}',
        b'{"w": 3}',
        b"[" * 100_000,
    ],
)
def test_damaged_weights_are_refused(bundle: Bundle, header: bytes) -> None:
    _set_header(bundle.weights_path, header)
    with pytest.raises(BundleError, match=WEIGHTS_NAME):
        open_bundle(bundle.path)


@pytest.mark.parametrize("length", [2**63, 2**40, 10_000])
def test_a_header_longer_than_the_file_is_refused(bundle: Bundle, length: int) -> None:
    bundle.weights_path.write_bytes(struct.pack("<Q", length) + b"{}")
    with pytest.raises(BundleError, match="damaged header"):
        open_bundle(bundle.path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (("latent", "dim"), 10**9),
        (("latent", "dim"), 0),
        (("image", "channels"), 7),
        (("image", "height"), 10**6),
        (("image", "range"), [1.0, 0.0]),
        (("conditions",), [{"name": "c", "kind": "class", "size": 10**9}]),
        (("conditions",), [{"name": "c", "kind": "class", "size": 2, "names": ["a"]}]),
        (("family",), "diffusion"),
    ],
)
def test_sizes_that_no_model_has_are_refused(
    bundle: Bundle, field: tuple[str, ...], value: object
) -> None:
    path = bundle.path / CONFIG_NAME
    config = json.loads(path.read_text())
    place = config["spec"]
    for name in field[:-1]:
        place = place[name]
    place[field[-1]] = value
    if field == ("image", "height"):
        config["spec"]["image"]["width"] = value
    path.write_text(json.dumps(config))
    with pytest.raises(BundleError, match="tiny"):
        open_bundle(bundle.path)


@pytest.mark.parametrize("text", ["", "{}", "[" * 100_000, '{"format": "other/9"}'])
def test_a_damaged_configuration_is_refused(bundle: Bundle, text: str) -> None:
    (bundle.path / CONFIG_NAME).write_text(text)
    with pytest.raises(BundleError, match="tiny"):
        open_bundle(bundle.path)


def test_a_place_in_the_folder_of_a_model_is_told_and_in_that_of_a_project_is_not(
    bundle: Bundle, tmp_path: Path
) -> None:
    assert in_another(bundle.path / "new") == (
        f"{bundle.path.name} is a model itself; choose another place or name."
    )
    assert not in_another(tmp_path / "nowhere" / "new")
    project = tmp_path / "project"
    project.mkdir()
    (project / "config.json").write_text("{}")
    assert not in_another(project / "new")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=CONFIG_NAME):
        open_bundle(tmp_path)
    with pytest.raises(BundleError, match=CONFIG_NAME):
        open_bundle(tmp_path / "missing")
