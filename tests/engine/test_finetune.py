"""Going on from a model: what trains and what stays, new classes, old ones remembered."""

import copy
from itertools import islice

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image

from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec
from genviewer.engine.finetune import finetune_config, what_can_train
from genviewer.engine.finetune_data import load_finetune_images
from genviewer.engine.finetune_replay import prior_latents
from genviewer.engine.finetune_state import discriminator_config
from genviewer.engine.torch_decoder import load_torch
from genviewer.engine.train_bundle import make_spec
from genviewer.engine.train_config import TrainingError, config_table, read_config
from genviewer.engine.train_run import to_toml
from genviewer.engine.training import make_state, training_steps
from genviewer.io.bundle import Config, open_bundle, write_bundle
from genviewer.io.dataset_survey import survey
from genviewer.nets.families import build

SIZE, LATENT = 8, 4
NAMES = ("ant", "bee", "cat")
OURS = {
    "residual_vae": {"channels": [8, 4], "hidden": 8},
    "mlp_vae": {"encoder": [16], "decoder": [16, 16]},
    "residual_gan": {"channels": [8, 4], "hidden": 8, "critic_channels": [4, 8]},
}
CHAIN = {
    "type": "chain",
    "latent": LATENT,
    "image": [1, SIZE, SIZE],
    "conditions": [3],
    "decoder": [
        {
            "type": "merge", "condition": 0, "how": "before",
            "steps": [{"type": "embedding", "name": "embed", "classes": 3, "size": 3}],
        },
        {"type": "linear", "name": "net.0", "inputs": 7, "outputs": 64},
        {"type": "batch_norm", "name": "net.1", "features": 64},
        {"type": "activation", "kind": "leaky_relu"},
        {"type": "linear", "name": "net.3", "inputs": 64, "outputs": 64},
        {"type": "activation", "kind": "sigmoid"},
        {"type": "reshape", "shape": [1, SIZE, SIZE]},
    ],
}  # fmt: skip
READER = {
    "steps": [
        {"type": "flatten"},
        {"type": "linear", "name": "read", "inputs": 64, "outputs": 8},
    ],
    "split": "halves",
}
STYLES = {
    "type": "stylegan2",
    "mapping": {"latent_dim": LATENT, "classes": 3, "embed": 4, "widths": [8, 8]},
    "channels": [8, 4],
    "image_channels": 1,
}
BLOCKS = {
    "type": "biggan", "latent_dim": LATENT, "classes": 3, "embed": 4, "colours": 4,
    "blocks": [{"inputs": 8, "outputs": 4, "up": True}], "attention": None, "statistics": 3,
}  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread():
    """Sums in one order, and no waiting for cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def write_model(path, table, classes=NAMES, **spec):
    """A bundle of random weights."""
    torch.manual_seed(3)
    network = build(table)
    for name, value in network.named_buffers():
        if "resample_filter" in name:
            value.fill_(1 / value.numel())  # which checkpoints hold
    conditions = (ConditionSpec("class", "class", len(classes), classes),) if classes else ()
    values = {"family": "gan", "latent": LatentSpec(LATENT), "image": ImageSpec(1, SIZE, SIZE)}
    tensors = {name: value.numpy() for name, value in network.state_dict().items()}
    made = Spec(path.name, conditions=conditions, **{**values, **spec})
    return write_bundle(path, Config(made, table), tensors, "")


def write_ours(path, kind, classes=NAMES):
    """One of a family that is trained here."""
    table = {
        "type": kind, "image_size": SIZE, "latent_dim": LATENT, "classes": len(classes),
        **OURS[kind],
    }  # fmt: skip
    if kind == "residual_gan":
        image = ImageSpec(1, SIZE, SIZE, (-1.0, 1.0))
        return write_model(path, table, classes, image=image, discriminator=True)
    return write_model(path, table, classes, family="vae", encoder=True, density=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A survey of bars: 12 lying ones called "ant" and 12 standing ones called "new"."""
    folder = tmp_path_factory.mktemp("bars")
    rng = np.random.default_rng(0)
    for name in ("ant", "new"):
        (folder / name).mkdir()
        for index in range(12):
            image = rng.integers(0, 40, (SIZE, SIZE), np.uint8)
            place = rng.integers(0, SIZE - 1)
            (image if name == "ant" else image.T)[place : place + 2] = 220
            Image.fromarray(image).save(folder / name / f"{index}.png")
    return survey(folder)


def run_of(bundle, data, **options):
    """Configuration, images and state of a short run."""
    values = {"steps": 4, "batch_size": 8, "threads": 1}
    config = finetune_config(bundle, data, **{**values, **options})
    return config, load_finetune_images(config)[0], make_state(config)


def weights(module):
    """A copy of a state dict."""
    return copy.deepcopy(module.state_dict())


def changed(before, after):
    """The names of tensors that are not bit for bit the same."""
    assert before.keys() == after.keys()
    return {name for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize("kind", OURS)
def test_old_classes_draw_the_same_before_the_first_step(tmp_path, data, kind):
    bundle = write_ours(tmp_path / kind, kind)
    config, _, state = run_of(bundle, data)
    assert config.finetune.new_classes == ("new",)
    spec = make_spec(config)
    assert spec.class_condition.names == (*NAMES, "new")
    kept = write_bundle(tmp_path / "kept", Config(spec, config.network), state.ema_weights(), "")
    z = np.random.default_rng(0).standard_normal((6, LATENT)).astype(np.float32)
    y = np.eye(4, dtype=np.float32)[np.arange(6) % 3]
    grown, before = load_torch(kept, "cpu", 1), load_torch(bundle, "cpu", 1)
    np.testing.assert_array_equal(grown.decode(z, y), before.decode(z, y[:, :3]))


BELONGS = {
    ("residual_vae", "decoder"): lambda name: name.startswith("decoder."),
    ("residual_vae", "condition"): lambda name: "classes" in name or "template" in name,
    ("residual_vae", "last"): lambda name: name.startswith(("decoder.features", "decoder.pict")),
    ("residual_gan", "last"): lambda name: name.startswith(
        ("generator.features", "generator.pict")
    ),
    ("residual_gan", "condition"): lambda name: (
        name.startswith("generator.classes") or "template" in name
    ),
}


@pytest.mark.parametrize(("kind", "layers"), BELONGS)
def test_what_does_not_train_stays_bit_for_bit(tmp_path, data, kind, layers):
    bundle = write_ours(tmp_path / kind, kind)
    mapping = {"ant": "ant", "new": "bee"}
    config, images, state = run_of(bundle, data, layers=layers, mapping=mapping)
    network, average = weights(state.network), weights(state.ema)
    losses = list(training_steps(config, state, images))
    assert len(losses) == 4
    for before, module in ((network, state.network), (average, state.ema)):
        found = {
            name
            for name in changed(before, module.state_dict())
            if not name.startswith("discriminator.")
        }
        assert found
        assert all(BELONGS[kind, layers](name) for name in found)
    trained = sum(len(group["params"]) for group in state.optimizers.popitem()[1].param_groups)
    assert 0 < trained < len(network)


def test_a_new_class_trains_whatever_layers_are_chosen(tmp_path, data):
    config, images, state = run_of(write_ours(tmp_path / "m", "mlp_vae"), data, layers="last")
    before = weights(state.network)
    list(training_steps(config, state, images))
    found = changed(before, state.network.state_dict())
    assert {"encoder.classes.weight", "decoder.classes.weight"} <= found
    assert "encoder.first.weight" not in found


def test_the_weights_of_the_classes_learn_faster_while_one_is_new(tmp_path, data):
    bundle = write_ours(tmp_path / "m", "residual_vae")
    config, images, state = run_of(bundle, data)
    list(training_steps(config, state, images))
    rest, classes = state.optimizers["vae"].param_groups
    assert classes["lr"] == pytest.approx(10 * rest["lr"])
    assert {p.shape[1] for p in classes["params"]} == {4}
    same = run_of(bundle, data, mapping={"ant": "ant", "new": "bee"})[2]
    assert len(same.optimizers["vae"].param_groups) == 1


def test_the_first_layers_of_a_discriminator_can_stay(tmp_path, data):
    bundle = write_ours(tmp_path / "gan", "residual_gan")
    config, images, state = run_of(bundle, data, freeze_d=1)
    before = weights(state.network.discriminator)
    losses = list(training_steps(config, state, images))
    found = changed(before, state.network.discriminator.state_dict())
    assert set(before) - found == {"features.1.weight", "features.1.bias"}
    assert config.gan.augment  # so few images would be learnt by heart
    assert 0 < losses[-1]["d_real"] < 1
    assert losses[-1]["gradient_norm"] > 0
    assert losses[-1]["learning_rate"] < config.optimizer.learning_rate


def test_a_new_discriminator_can_be_started_for_one_that_has_its_own(tmp_path, data):
    bundle = write_ours(tmp_path / "gan", "residual_gan")
    own, new = (run_of(bundle, data, discriminator=how)[2].network for how in ("own", "new"))
    found = changed(own.state_dict(), new.state_dict())
    assert found
    assert all(name.startswith("discriminator.") for name in found)


@pytest.mark.parametrize("kind", ["residual_vae", "residual_gan"])
def test_a_run_that_was_stopped_ends_bit_for_bit_the_same(tmp_path, data, kind):
    bundle = write_ours(tmp_path / kind, kind)
    config, images, whole = run_of(bundle, data)
    assert config.finetune.replay
    list(training_steps(config, whole, images))

    first = make_state(config)
    list(islice(training_steps(config, first, images), 2))
    saved = copy.deepcopy(first.state_dict())
    for path in bundle.path.iterdir():
        path.unlink()  # a checkpoint has all that is needed
    second = make_state(config, fresh=False)
    second.load_state_dict(saved)
    list(training_steps(config, second, images))
    assert not changed(whole.network.state_dict(), second.network.state_dict())
    assert not changed(whole.ema.state_dict(), second.ema.state_dict())


def test_old_classes_that_the_data_lack_are_drawn_by_the_old_model(tmp_path, data):
    bundle = write_ours(tmp_path / "vae", "residual_vae")
    config, images, state = run_of(bundle, data)
    seen = []
    steps = training_steps(config, state, images)
    batches = steps.gi_frame.f_locals["batches"]
    for _ in steps:
        z, y, old = batches.remembered()
        seen += y.argmax(1).tolist()
        drawn = load_torch(bundle, "cpu", 1).decode(z.numpy(), y[:, :3].numpy())
        np.testing.assert_allclose(old.numpy(), drawn, atol=1e-5)
    assert set(seen) == {1, 2}  # "ant" is in the data, and "new" is not an old class


def test_replay_keeps_old_classes_as_they_were(tmp_path, data):
    bundle = write_ours(tmp_path / "vae", "mlp_vae")
    z = torch.randn(32, LATENT, generator=torch.Generator().manual_seed(0))
    y = torch.eye(4)[torch.arange(32) % 2 + 1]
    moved = {}
    for replay in (0.0, 0.5):
        config = finetune_config(bundle, data, steps=80, batch_size=16, learning_rate=1e-2)
        finetune = msgspec.structs.replace(config.finetune, replay=replay)
        vae = msgspec.structs.replace(config.vae, class_weight=0.0)
        config = msgspec.structs.replace(config, finetune=finetune, vae=vae)
        state = make_state(config)
        before = state.network.decode(z, y).detach()
        list(training_steps(config, state, load_finetune_images(config)[0]))
        moved[replay] = float((state.ema.decode(z, y) - before).abs().mean())
    assert moved[0.5] < 0.7 * moved[0.0]


@pytest.mark.parametrize(
    ("table", "span"),
    [(CHAIN, (0.0, 1.0)), (STYLES, (-1.0, 1.0))],
    ids=["chain", "stylegan2"],
)
def test_a_foreign_generator_plays_against_a_new_discriminator(tmp_path, data, table, span):
    bundle = write_model(tmp_path / "foreign", table, image=ImageSpec(1, SIZE, SIZE, span))
    possible = what_can_train(bundle)
    assert possible.discriminator == "new"
    assert possible.new_classes
    assert "no discriminator" in possible.notes[0]
    config, images, state = run_of(bundle, data)
    assert make_spec(config).class_condition.names == (*NAMES, "new")
    assert make_spec(config).name == config.name != bundle.spec.name
    before = weights(state.network)
    losses = list(training_steps(config, state, images))
    found = changed(before, state.network.state_dict())
    assert {"d_real", "d_fake", "memory", "generator"} <= losses[-1].keys()
    assert found >= {name for name, _ in state.network.named_parameters() if "noise" not in name}
    assert "mapping.w_avg" in found or table is CHAIN
    again = write_bundle(
        tmp_path / "after", Config(make_spec(config), config.network), state.ema_weights(), ""
    )
    assert load_torch(open_bundle(again.path), "cpu", 1).spec.condition_size == 4


def test_only_the_drawing_half_of_a_style_network_may_train(tmp_path, data):
    bundle = write_model(tmp_path / "styles", STYLES, image=ImageSpec(1, SIZE, SIZE, (-1.0, 1.0)))
    mapping = {"ant": "ant", "new": "bee"}
    config, images, state = run_of(bundle, data, layers="decoder", mapping=mapping)
    before = weights(state.network)
    list(training_steps(config, state, images))
    found = changed(before, state.network.state_dict())
    assert found
    assert all(name.startswith("synthesis.") for name in found)


@pytest.mark.parametrize("likelihood", ["bernoulli", "none"])
def test_a_foreign_vae_learns_to_reconstruct(tmp_path, data, likelihood):
    table = {**CHAIN, "encoder": READER, "likelihood": likelihood}
    bundle = write_model(tmp_path / "foreign", table, family="vae", encoder=True)
    assert what_can_train(bundle).discriminator == "none"
    mapping = {"ant": "ant", "new": "bee"}
    config, images, state = run_of(bundle, data, steps=120, learning_rate=1e-2, mapping=mapping)
    losses = [row["elbo"] for row in training_steps(config, state, images)]
    assert np.mean(losses[-10:]) > np.mean(losses[:10]) + 5


def test_a_network_of_other_range_reconstructs_in_it(tmp_path, data):
    decoder = [step for step in CHAIN["decoder"] if step.get("kind") != "sigmoid"]
    table = {**CHAIN, "decoder": decoder, "encoder": READER}
    bundle = write_model(
        tmp_path / "tanh", table, family="vae", encoder=True,
        image=ImageSpec(1, SIZE, SIZE, (-3.0, 1.0)),
    )  # fmt: skip
    mapping = {"ant": "ant", "new": "bee"}
    config, images, state = run_of(bundle, data, steps=120, learning_rate=5e-2, mapping=mapping)
    list(training_steps(config, state, images))
    x = torch.from_numpy(np.asarray(images.images)).permute(0, 3, 1, 2) / 255.0
    y = torch.eye(3)[torch.from_numpy(images.labels)]
    with torch.no_grad():
        mean, _ = state.ema.encode(x * 4.0 - 3.0, y)
        drawn = state.ema.decode(mean, y)
    assert float((drawn.mean() + 3.0) / 4.0) == pytest.approx(float(x.mean()), abs=0.1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"table": {"type": "program"}}, "comes as a program"),
        ({"conditions": (ConditionSpec("age", "continuous", 1),)}, "'age'"),
        ({"image": ImageSpec(1, SIZE, 2 * SIZE)}, "square"),
        ({"latent": LatentSpec(LATENT, "none")}, "no prior"),
    ],
)
def test_what_cannot_train_says_why(tmp_path, data, change, words):
    bundle = write_model(tmp_path / "m", CHAIN)
    config = bundle.config
    table = change.pop("table", config.network)
    spec = msgspec.structs.replace(config.spec, **change)
    bundle = msgspec.structs.replace(
        bundle, config=msgspec.structs.replace(config, spec=spec, network=table)
    )
    possible = what_can_train(bundle)
    assert not possible.layers
    assert words in possible.why_not
    assert possible.why_not.endswith(".")
    with pytest.raises(TrainingError, match=words):
        finetune_config(bundle, data)


@pytest.mark.parametrize("kind", [*OURS, "chain", "biggan"])
def test_the_configuration_is_the_same_from_its_file(tmp_path, data, kind):
    path, foreign = tmp_path / "a model", {"chain": CHAIN, "biggan": BLOCKS}
    bundle = write_model(path, foreign[kind]) if kind in foreign else write_ours(path, kind)
    config = finetune_config(
        bundle, data, mapping={"ant": "ant", "new": 'a "new" = one'}, new_classes=('a "new" = one',)
    )
    written = tmp_path / "train.toml"
    written.write_text(to_toml(config_table(config)), encoding="utf-8")
    assert read_config(written) == config
    build(config.network)


def test_a_foreign_network_begins_anew_with_the_filters_that_it_came_with(tmp_path, data):
    bundle = write_model(tmp_path / "styles", STYLES, image=ImageSpec(1, SIZE, SIZE, (-1.0, 1.0)))
    network = run_of(bundle, data, preset="scratch")[2].network
    assert network.get_buffer("synthesis.b8.resample_filter").mean() == 1 / 16
    const = bundle.tensors()["synthesis.b4.const"]
    assert not np.array_equal(network.get_parameter("synthesis.b4.const").detach(), const)
    blocks = write_model(tmp_path / "blocks", BLOCKS, image=ImageSpec(3, SIZE, SIZE, (-1.0, 1.0)))
    with pytest.raises(TrainingError, match="statistics"):
        finetune_config(blocks, data, preset="scratch")


def test_presets_go_from_a_touch_to_everything(tmp_path, data):
    bundle = write_ours(tmp_path / "vae", "residual_vae")
    touch, normal, scratch = (
        finetune_config(bundle, data, preset=preset) for preset in ("touch", "normal", "scratch")
    )
    rates = [config.optimizer.learning_rate for config in (touch, normal, scratch)]
    assert rates == sorted(rates)
    assert rates[0] < rates[2]
    assert touch.steps < normal.steps < scratch.steps
    assert touch.start_from
    assert not scratch.start_from
    assert not scratch.finetune.replay
    fresh, known = (weights(make_state(c).network) for c in (scratch, normal))
    assert len(changed(fresh, known)) > len(known) / 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mapping": {"ant": "ant", "new": "wolf"}}, "wolf|new"),
        ({"new_classes": ("bee",), "mapping": {"ant": "ant", "new": "bee"}}, "'bee' already"),
        ({"batch_size": -1}, "batch"),
    ],
)
def test_choices_that_do_not_fit_are_named(tmp_path, data, options, words):
    bundle = write_ours(tmp_path / "vae", "mlp_vae")
    with pytest.raises(TrainingError, match=words):
        load_finetune_images(finetune_config(bundle, data, **options))


def test_a_run_of_long_names_has_one_that_file_systems_take(tmp_path, data):
    bundle = write_ours(tmp_path / ("überall_" * 26), "mlp_vae")
    long = tmp_path / ("naïve_" * 30)
    long.symlink_to(data.source)
    config = finetune_config(bundle, survey(long), steps=4, batch_size=8, threads=1)
    assert len(config.name.encode()) <= 200  # and the time of the run behind it
    assert "berall" in config.name
    assert "naïve" in config.name
    (tmp_path / config.name).mkdir()


def test_classes_can_be_left_out(tmp_path, data):
    bundle = write_ours(tmp_path / "vae", "mlp_vae")
    config, images, _ = run_of(bundle, data, mapping={"ant": "cat", "new": ""})
    assert len(images.images) == 12
    assert set(images.labels.tolist()) == {2}
    assert config.finetune.new_classes == ()


def test_a_model_without_classes_takes_all_images(tmp_path, data):
    bundle = write_ours(tmp_path / "vae", "residual_vae", ())
    config, images, state = run_of(bundle, data)
    assert len(images.images) == 24
    assert not config.finetune.replay
    losses = list(training_steps(config, state, images))
    assert {"elbo", "nll", "kl", "gradient_norm"} <= losses[-1].keys()


def test_latents_come_from_the_models_own_prior():
    noise = torch.Generator().manual_seed(0)
    uniform = prior_latents(LatentSpec(4, "uniform"), 4000, noise)
    assert uniform.abs().max() <= 1
    assert uniform.std() == pytest.approx(3**-0.5, abs=0.01)
    cut = prior_latents(LatentSpec(4, "truncated_normal"), 4000, noise)
    assert cut.abs().max() <= 2
    assert cut.std() == pytest.approx(0.8796, abs=0.01)  # of a normal one cut at 2


@pytest.mark.parametrize("size", [8, 27, 28, 64, 256])
def test_a_new_discriminator_looks_at_any_square_picture(size):
    spec = Spec("m", "gan", LatentSpec(2), ImageSpec(3, size, size))
    from genviewer.nets.residual_gan import Discriminator

    score, _ = Discriminator(discriminator_config(spec, 0))(torch.zeros(2, 3, size, size), None)
    assert score.shape == (2,)


@pytest.mark.parametrize(("steps", "every"), [(20, 1), (300, 3), (100_000, 50)])
def test_a_short_run_writes_as_many_points_of_its_curves_as_a_long_one(
    tmp_path, data, steps, every
):
    bundle = write_ours(tmp_path / "model", "residual_vae")
    config = finetune_config(bundle, data, new_classes=("new",), steps=steps)
    assert config.log_every == every
    assert config.evaluate_every == max(100, steps // 6)
