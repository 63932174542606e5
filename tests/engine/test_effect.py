"""Effects against their closed form: a linear decoder's Jacobian is its weights."""

import msgspec
import numpy as np
import pytest

from genviewer.core.spec import ImageSpec, LatentSpec
from genviewer.engine import effect as effects
from genviewer.engine.cache_folder import cache_folder
from genviewer.engine.effect import (
    cached_effect,
    cached_kl,
    measure_effect,
    measure_kl,
    order_of,
    prior_sigma,
)
from genviewer.engine.generator import DecodeError
from genviewer.engine.jobs import Cancelled, Job, Progress
from tests.engine.linear import LinearGenerator, make_spec
from tests.tiny_models import write_tiny_autoencoder

STRENGTHS = np.array([0.5, 3.0, 0.0001, 1.0, 2.0, 0.2], np.float32)


def scaled(spec=None) -> LinearGenerator:
    """A linear decoder with orthogonal dimensions of known strengths."""
    generator = LinearGenerator(spec if spec is not None else make_spec(6, classes=3))
    basis, _ = np.linalg.qr(generator.weights.T.astype(np.float64))
    generator.weights = (STRENGTHS[:, None] * basis.T).astype(np.float32)
    return generator


def test_the_effect_of_a_linear_decoder_is_the_size_of_its_columns():
    generator = scaled()
    measured = measure_effect(generator)
    pixels = generator.weights.shape[1]
    expected = np.linalg.norm(generator.weights, axis=1) / np.sqrt(pixels)
    assert measured.effect == pytest.approx(expected, rel=1e-3, abs=1e-6)
    assert measured.order.tolist() == [1, 4, 3, 0, 5, 2]
    assert measured.dead.tolist() == [False, False, True, False, False, False]


def test_the_principal_plane_is_that_of_the_two_largest_singular_values():
    generator = scaled()
    turn, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((6, 6)))
    generator.weights = (turn @ generator.weights).astype(np.float32)
    plane = measure_effect(generator).plane
    assert plane @ plane.T == pytest.approx(np.eye(2), abs=1e-5)
    left, _, _ = np.linalg.svd(generator.weights.astype(np.float64))
    for direction, expected in zip(plane, left.T[:2], strict=True):
        assert abs(direction @ expected) == pytest.approx(1.0, abs=1e-4)
        assert direction[np.abs(direction).argmax()] > 0


@pytest.mark.parametrize("value_range", [(-1.0, 1.0), (0.0, 255.0)])
def test_the_effect_is_a_share_of_the_range(value_range):
    plain, ranged = scaled(), scaled(make_spec(6, value_range=value_range))
    ratio = measure_effect(plain).effect[1] / measure_effect(ranged).effect[1]
    assert ratio == pytest.approx(value_range[1] - value_range[0], rel=1e-3)


def test_the_effect_is_per_standard_deviation_of_the_prior():
    spec = make_spec(6)
    uniform = msgspec.structs.replace(spec, latent=LatentSpec(6, "uniform"))
    ratio = measure_effect(scaled(uniform)).effect[1] / measure_effect(scaled(spec)).effect[1]
    assert ratio == pytest.approx(3**-0.5, rel=1e-3)


@pytest.mark.parametrize("prior", ["normal", "uniform", "truncated_normal"])
def test_the_standard_deviation_is_that_of_draws(prior):
    from genviewer.core.prior import draw

    latent = LatentSpec(200_000, prior)
    assert prior_sigma(latent) == pytest.approx(float(draw(latent, 0).std()), rel=0.01)


def test_large_pictures_are_averaged_for_the_plane_only(monkeypatch):
    spec = msgspec.structs.replace(make_spec(3), image=ImageSpec(3, 33, 21))
    generator = LinearGenerator(spec)
    whole = measure_effect(generator)
    monkeypatch.setattr(effects, "MAX_VALUES", 200)
    averaged = measure_effect(generator)
    assert averaged.effect == pytest.approx(whole.effect)
    assert averaged.plane.shape == (2, 3)


def test_decodes_are_bounded(monkeypatch):
    monkeypatch.setattr(effects, "MAX_DECODES", 100)
    generator = LinearGenerator(make_spec(40))
    measure_effect(generator)
    assert sum(generator.calls) == 82  # two of them to see how long one takes


def test_a_latent_space_of_one_dimension_has_an_effect():
    measured = measure_effect(LinearGenerator(make_spec(1)))
    assert measured.order.tolist() == [0]
    assert measured.plane.shape == (2, 1)


def test_a_decoder_that_ignores_its_latent_is_dead_everywhere():
    generator = LinearGenerator()
    generator.weights[:] = 0.0
    measured = measure_effect(generator)
    assert measured.dead.all()
    assert np.isfinite(measured.plane).all()


def test_what_was_measured_is_remembered_by_model():
    generator = scaled()
    assert cached_effect(generator.model_id) is None
    measured = measure_effect(generator)
    remembered = cached_effect(generator.model_id)
    assert (remembered.effect == measured.effect).all()
    assert (remembered.order == measured.order).all()
    assert (remembered.plane == measured.plane).all()
    assert cached_effect("f" * 32) is None


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 and then nothing", b"\x00" * 2000])
def test_a_damaged_memory_is_none(damage):
    generator = scaled()
    measure_effect(generator)
    (path,) = cache_folder("effects").iterdir()
    path.write_bytes(damage)
    assert cached_effect(generator.model_id) is None


def test_measuring_can_be_cancelled_and_fails_with_the_model():
    job = Job("effect", None)
    told = []

    def tell(fraction, text):
        told.append(fraction)
        if fraction > 0.3:
            job.cancel()

    generator = LinearGenerator(make_spec(40))
    with pytest.raises(Cancelled):
        measure_effect(generator, Progress(job, tell))
    assert told == sorted(told)
    assert max(told) < 0.6
    generator.fail = DecodeError("It broke.")
    with pytest.raises(DecodeError):
        measure_effect(generator)
    assert cached_effect(generator.model_id) is None


def test_kl_comes_from_the_statistics_where_they_have_it(vae_bundle):
    def with_kl(value):
        config = msgspec.structs.replace(vae_bundle.config, statistics={"kl": value})
        return msgspec.structs.replace(vae_bundle, config=config)

    assert cached_kl(with_kl([1.0, 2.0, 0.5, 0.0])).tolist() == [1.0, 2.0, 0.5, 0.0]
    for unusable in ([1.0], "kl", None, [float("nan")] * 4, {"a": 1}):
        assert cached_kl(with_kl(unusable)) is None


def test_kl_is_measured_with_the_encoder(vae_bundle):
    import torch

    from genviewer.engine.torch_decoder import load_network

    measured = measure_kl(vae_bundle)
    assert measured.shape == (4,)
    assert (cached_kl(vae_bundle) == measured).all()
    # The posterior of one sample, by torch's own formula, is of the same size.
    network = load_network(vae_bundle)
    y = torch.eye(3)[[0]]
    with torch.inference_mode():
        mean, logvar = network.encode(network.decode(torch.zeros(1, 4), y), y)
    posterior = torch.distributions.Normal(mean, (0.5 * logvar).exp())
    kl = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0))
    assert measured == pytest.approx(kl[0].numpy(), rel=0.5, abs=0.05)


def test_an_encoder_that_gives_points_has_no_kl(tmp_path):
    with pytest.raises(ValueError, match="a point, not a distribution"):
        measure_kl(write_tiny_autoencoder(tmp_path / "ae"))


def test_kl_needs_an_encoder(onnx_bundle):
    with pytest.raises(ValueError, match="no encoder"):
        measure_kl(onnx_bundle)


def test_equals_keep_their_order():
    assert order_of(np.array([1.0, 2.0, 1.0, 2.0], np.float32)).tolist() == [1, 3, 0, 2]


def test_a_model_that_is_too_slow_is_not_measured(monkeypatch):
    monkeypatch.setattr(effects, "MAX_SECONDS", 0.001)
    generator = LinearGenerator(delay=0.001)
    with pytest.raises(DecodeError, match="too slow"):
        effects.measure_effect(generator)
    assert sum(generator.calls) == 2
