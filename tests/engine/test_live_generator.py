"""Generators of snapshots, against the same weights opened as a bundle."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from genviewer.core.prior import draws
from genviewer.core.resources import models_dir
from genviewer.engine.generator import LoadError
from genviewer.engine.live_generator import LiveGenerators, bundle_of
from genviewer.engine.run_timeline import make_snapshot
from genviewer.engine.torch_decoder import load_torch
from genviewer.io.bundle import open_bundle, write_bundle


@pytest.fixture(scope="module")
def bundle():
    return open_bundle(models_dir() / "digits-cvae")


def _changed(weights, seed):
    noise = np.random.default_rng(seed)
    return {
        name: value + noise.normal(0, 0.02, value.shape).astype(value.dtype)
        if name.startswith("decoder") and value.dtype == np.float32 and "running" not in name
        else value.copy()
        for name, value in weights.items()
    }


def test_every_snapshot_draws_as_its_bundle_and_those_before_stay(bundle, tmp_path):
    live = LiveGenerators()
    z = draws(bundle.spec.latent, 0, 3)
    y = np.eye(10, dtype=np.float32)[:3]
    drawn = []
    for step in range(2):
        snapshot = make_snapshot(step, bundle.config, _changed(bundle.tensors(), step))
        generator = live.generator_of(snapshot, threads=1)
        written = write_bundle(tmp_path / str(step), snapshot.config, snapshot.weights, "")
        assert generator.model_id == written.model_id == bundle_of(snapshot, tmp_path).model_id
        expected = load_torch(written, "cpu", 1).decode(z, y)
        np.testing.assert_array_equal(generator.decode(z, y), expected)
        drawn.append((generator, expected))
    assert np.abs(drawn[0][1] - drawn[1][1]).max() > 0.01
    np.testing.assert_array_equal(drawn[0][0].decode(z, y), drawn[0][1])


def test_a_snapshot_opens_like_a_bundle(bundle, tmp_path):
    snapshot = make_snapshot(7, bundle.config, bundle.tensors())
    opened = bundle_of(snapshot, tmp_path)
    assert (opened.weights_sha256, opened.parameters) == (bundle.weights_sha256, bundle.parameters)
    z = draws(bundle.spec.latent, 0, 2)
    expected = load_torch(bundle, "cpu", 1).decode(z, None)
    np.testing.assert_array_equal(load_torch(opened, "cpu", 1).decode(z, None), expected)


def test_weights_of_another_network_are_refused(bundle):
    weights = bundle.tensors()
    name = max(weights, key=lambda key: weights[key].size)
    wrong = weights | {name: np.zeros((2, 2), np.float32)}
    live = LiveGenerators()
    with pytest.raises(LoadError, match=r"has another shape"):
        live.generator_of(make_snapshot(0, bundle.config, wrong))
    wrong = weights | {name: np.zeros(weights[name].shape, np.complex64)}
    with pytest.raises(LoadError, match=r"is of another type"):
        live.generator_of(make_snapshot(0, bundle.config, wrong))
    less = {key: value for key, value in weights.items() if key != name}
    with pytest.raises(LoadError, match="not those of its network"):
        live.generator_of(make_snapshot(0, bundle.config, less))
    huge = bundle.config.network | {"hidden": 400_000}
    large = msgspec.structs.replace(bundle.config, network=huge)
    with pytest.raises(LoadError, match="asks for a network of"):  # before it is built
        live.generator_of(make_snapshot(0, large, weights))
    odd = msgspec.structs.replace(bundle.config, network={"type": "no-such-family"})
    with pytest.raises(LoadError):
        live.generator_of(make_snapshot(0, odd, weights))
