"""A generator of another family: the discriminator that it was trained against stays with it."""

import copy
import json
import shutil
import struct

import msgspec
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from genviewer.core.recipe import seeded_recipe
from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec
from genviewer.engine import train_bundle
from genviewer.engine.convert import convert
from genviewer.engine.discriminator_file import OwnDiscriminator
from genviewer.engine.finetune import finetune_config, what_can_train
from genviewer.engine.generator import LoadError
from genviewer.engine.image_beliefs import ImageBeliefs, Question
from genviewer.engine.run_timeline import RunTimeline, keep
from genviewer.engine.score import Scorer
from genviewer.engine.torch_decoder import load_torch
from genviewer.engine.train_config import TrainingError
from genviewer.engine.train_run import RunFolder
from genviewer.engine.training import make_state
from genviewer.engine.training_events import OnTimeline, Saved
from genviewer.engine.training_run import TrainingRun
from genviewer.io.bundle import BundleError, Config, open_bundle, read_header, write_bundle
from genviewer.io.dataset_survey import survey
from genviewer.nets.families import build, parsed
from genviewer.nets.residual_gan import Discriminator
from tests.tiny_runs import GAN, VAE, bars, config_of

SIZE, LATENT, STEPS = 8, 4, 6
NAMES = ("0", "1")  # as the images' labels are
TABLE = {
    "type": "chain",
    "latent": LATENT,
    "image": [1, SIZE, SIZE],
    "conditions": [2],
    "decoder": [
        {
            "type": "merge", "condition": 0, "how": "before",
            "steps": [{"type": "embedding", "name": "embed", "classes": 2, "size": 3}],
        },
        {"type": "linear", "name": "net.0", "inputs": 7, "outputs": 64},
        {"type": "batch_norm", "name": "net.1", "features": 64},
        {"type": "activation", "kind": "sigmoid"},
        {"type": "reshape", "shape": [1, SIZE, SIZE]},
    ],
}  # fmt: skip
FILE = "discriminator.safetensors"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A generator of pictures in [0, 1] that comes alone."""
    torch.manual_seed(3)
    network = build(TABLE)
    conditions = (ConditionSpec("class", "class", 2, NAMES),)
    spec = Spec("alone", "gan", LatentSpec(LATENT), ImageSpec(1, SIZE, SIZE), conditions)
    tensors = {name: value.numpy() for name, value in network.state_dict().items()}
    return write_bundle(tmp_path_factory.mktemp("base") / "alone", Config(spec, TABLE), tensors, "")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return survey(bars(tmp_path_factory.mktemp("data") / "bars.npz"))


@pytest.fixture(scope="module")
def trained(base, data, tmp_path_factory):
    """A run, its folder, and what its discriminator thought of some images after each step."""
    before = train_bundle.MAX_ACCELERATOR_PARAMETERS
    train_bundle.MAX_ACCELERATOR_PARAMETERS = 0
    config = finetune_config(base, data, steps=STEPS, batch_size=8, threads=1)
    config = msgspec.structs.replace(config, checkpoint_every=2, keep_checkpoints=1)
    folder = tmp_path_factory.mktemp("runs") / "run"
    run, opinions = TrainingRun.start(config, folder), {}
    for event in run.events():
        if isinstance(event, Saved | OnTimeline):
            opinions[event.step] = opinion(run.state.companions["discriminator"])
    train_bundle.MAX_ACCELERATOR_PARAMETERS = before
    return run, folder, opinions


@pytest.fixture
def run_folder(trained, tmp_path):
    """A copy of the run's folder, for a test that changes it."""
    return shutil.copytree(trained[1], tmp_path / "run")


def pictures():
    """Pictures in [0, 1] and their classes: float32 (5, 1, 8, 8) and (5, 2)."""
    rng = np.random.default_rng(5)
    x = torch.from_numpy(rng.random((5, 1, SIZE, SIZE), np.float32))
    return x, torch.eye(2)[[0, 1, 0, 1, 1]]


def opinion(discriminator):
    """What it says of the pictures, which it takes in [-1, 1]."""
    x, y = pictures()
    # Sums in the order of a network that was just read, which is another where it trains.
    discriminator = copy.deepcopy(discriminator).to(memory_format=torch.contiguous_format)
    with torch.no_grad():
        return discriminator(x * 2 - 1, y)[0]


def bundle_opinion(bundle):
    return OwnDiscriminator(bundle).score(*pictures())


def test_every_step_is_kept_with_its_own_discriminator(trained, tmp_path):
    _, folder, opinions = trained
    timeline = RunTimeline(folder)
    assert timeline.steps() == timeline.discriminators() == tuple(range(STEPS + 1))
    assert len({float(scores.sum()) for scores in opinions.values()}) == STEPS + 1
    for step in timeline.steps():
        snapshot = timeline.snapshot(step)
        assert not any(name.startswith("discriminator.") for name in snapshot.weights)
        kept = keep(folder, snapshot, tmp_path / str(step))
        assert kept.spec.discriminator
        assert kept.ref == snapshot.ref
        assert kept.config.provenance["steps"] == step
        assert kept.config.provenance["discriminator_steps"] == step
        torch.testing.assert_close(bundle_opinion(kept), opinions[step], rtol=0, atol=0)


def test_so_is_what_the_run_ends_as(trained):
    run, folder, opinions = trained
    bundle = open_bundle(folder / "bundle")
    assert bundle.ref == run.snapshot().ref == keep(folder, run.snapshot()).ref
    torch.testing.assert_close(bundle_opinion(bundle), opinions[STEPS], rtol=0, atol=0)


def test_where_the_timeline_lacks_the_step_a_checkpoint_has_it(trained, run_folder):
    run, _, opinions = trained
    timeline = RunTimeline(run_folder)
    timeline.discriminator_path(STEPS).unlink()
    assert [step for step, _ in RunFolder(run_folder).checkpoints()] == [STEPS]
    kept = keep(run_folder, run.snapshot())
    torch.testing.assert_close(bundle_opinion(kept), opinions[STEPS], rtol=0, atol=0)


def test_of_a_step_that_is_not_stored_the_nearest_is_taken_and_named(trained, run_folder, tmp_path):
    opinions, timeline = trained[2], RunTimeline(run_folder)
    timeline.discriminator_path(4).unlink()
    timeline.discriminator_path(3).write_bytes(b"damaged")
    snapshot = timeline.snapshot(4)
    kept = keep(run_folder, snapshot, tmp_path / "kept")
    assert kept.config.provenance["discriminator_steps"] == 5
    assert kept.ref == snapshot.ref
    torch.testing.assert_close(bundle_opinion(kept), opinions[5], rtol=0, atol=0)
    for place in ("timeline", "checkpoints"):
        for path in (run_folder / place).iterdir():
            if not path.name.endswith(".json"):
                path.unlink()
    none = keep(run_folder, snapshot, tmp_path / "none")
    assert none.ref == snapshot.ref
    assert not none.spec.discriminator
    assert "discriminator_steps" not in none.config.provenance


def test_a_checkpoint_that_is_nearer_than_the_timeline_is_taken(trained, run_folder, tmp_path):
    opinions, timeline = trained[2], RunTimeline(run_folder)
    for step in (3, 4, 5, 6):
        timeline.discriminator_path(step).unlink()
    kept = keep(run_folder, timeline.snapshot(5), tmp_path / "kept")
    assert kept.config.provenance["discriminator_steps"] == STEPS
    torch.testing.assert_close(bundle_opinion(kept), opinions[STEPS], rtol=0, atol=0)


def test_a_run_that_goes_back_forgets_later_ones(run_folder):
    timeline = RunTimeline(run_folder)
    timeline.begin(timeline.config(), 3)
    assert timeline.steps() == timeline.discriminators() == (0, 1, 2, 3)


def test_training_goes_on_with_its_own(trained, base, data):
    _, folder, opinions = trained
    assert what_can_train(base).discriminator == "new"
    bundle = open_bundle(folder / "bundle")
    possible = what_can_train(bundle)
    assert possible.discriminator == "own"
    assert not any("discriminator" in note for note in possible.notes)
    config = finetune_config(bundle, data, steps=1, threads=1, freeze_d=1)
    assert not config.finetune.spec.discriminator  # of what draws; kept it is with one again
    state = make_state(config)
    judge = state.companions["discriminator"]
    torch.testing.assert_close(opinion(judge), opinions[STEPS], rtol=0, atol=0)
    learning = [p.requires_grad for p in judge.parameters()]
    assert learning[:2] == [False, False]
    assert all(learning[2:])
    another = finetune_config(bundle, data, steps=1, threads=1, discriminator="new")
    assert not torch.equal(
        opinion(make_state(another).companions["discriminator"]), opinions[STEPS]
    )


def test_a_new_class_finds_it_in_the_middle_of_the_old_ones(trained, data):
    bundle = open_bundle(trained[1] / "bundle")
    options = {"mapping": {"0": "0", "1": "third"}, "new_classes": ("third",)}
    config = finetune_config(bundle, data, steps=1, threads=1, **options)
    judge = make_state(config).companions["discriminator"]
    x, y = pictures()
    with torch.no_grad():
        old = judge(x * 2 - 1, torch.nn.functional.pad(y, (0, 1)))[0]
        new = judge(x * 2 - 1, torch.eye(3)[[2] * len(x)])[0]
        between = judge(x * 2 - 1, torch.tensor([[0.5, 0.5, 0.0]] * len(x)))[0]
    torch.testing.assert_close(old, bundle_opinion(bundle))
    torch.testing.assert_close(new, between)


def test_it_scores_images_and_samples(trained):
    bundle = open_bundle(trained[1] / "bundle")
    generator = load_torch(bundle, "cpu", 1)
    pixels = np.random.default_rng(1).integers(0, 256, (SIZE, SIZE, 1), np.uint8)
    last = list(ImageBeliefs(bundle, generator).answers(Question(pixels)))[-1]
    x = torch.from_numpy(pixels.astype(np.float32) / 255).reshape(1, 1, SIZE, SIZE)
    judge = trained[0].state.companions["discriminator"]
    with torch.no_grad():
        wanted = max(float(judge(x * 2 - 1, y[None])[0]) for y in torch.eye(2))
    assert last.score[0] == pytest.approx(wanted, abs=1e-5)
    assert 0 <= last.score[1] <= 100
    recipe = seeded_recipe(bundle.spec, 7)
    assert np.isfinite(Scorer(bundle, generator).score(recipe))


def test_a_copy_of_the_bundle_has_it(trained, tmp_path):
    bundle = open_bundle(trained[1] / "bundle")
    copied = convert(bundle, tmp_path / "copy")
    assert copied.ref == bundle.ref
    assert copied.spec.discriminator
    torch.testing.assert_close(bundle_opinion(copied), bundle_opinion(bundle), rtol=0, atol=0)


def test_a_bundle_that_has_lost_it_is_a_model_without_one(run_folder):
    bundle = open_bundle(run_folder / "bundle")
    (bundle.path / FILE).unlink()
    alone = open_bundle(bundle.path)
    assert alone.ref == bundle.ref
    assert not alone.spec.discriminator
    assert FILE in alone.config.warnings[-1]
    assert what_can_train(alone).discriminator == "new"


def edited(bundle, **changes):
    """The bundle with another table of its discriminator."""
    path = bundle.path / "config.json"
    config = json.loads(path.read_text())
    config["discriminator"] |= changes
    path.write_text(json.dumps(config))
    return open_bundle(bundle.path)


@pytest.mark.parametrize(
    "changes",
    [
        {"image_size": 16}, {"classes": 5}, {"hidden": 1 << 60}, {"critic_channels": [1] * 5000},
        {"critic_channels": [4]}, {"hidden": 0}, {"type": "mlp_vae"}, {"type": "none"},
        {"hidden": ""}, {"critic_channels": [-(1 << 70)]},
    ],
    ids=str,
)  # fmt: skip
def test_sizes_that_do_not_fit_are_told_and_cost_nothing(run_folder, data, changes):
    bundle = edited(open_bundle(run_folder / "bundle"), **changes)
    with pytest.raises(LoadError, match="The discriminator of alone-bars cannot be used"):
        OwnDiscriminator(bundle)


def test_a_damaged_file_is_told(run_folder, data):
    bundle = open_bundle(run_folder / "bundle")
    path = bundle.path / FILE
    whole, tensors = path.read_bytes(), load_file(path)
    less = dict(list(tensors.items())[1:])
    save_file(less, path)
    others = path.read_bytes()
    for bad in (b"", whole[:-1], b"\xff" * 64, others):
        path.write_bytes(bad)
        with pytest.raises(LoadError, match=FILE):
            OwnDiscriminator(bundle)
        with pytest.raises(TrainingError, match=f"move {FILE} out of its folder"):
            make_state(finetune_config(bundle, data, steps=1, threads=1))
    path.unlink()
    config = finetune_config(open_bundle(bundle.path), data, steps=1, threads=1)
    assert config.finetune.discriminator == "new"
    assert "discriminator" in make_state(config).companions


@pytest.mark.parametrize("kind", ["BF16", "F16", "F8_E4M3", "I32"])
def test_other_numbers_are_told(run_folder, data, kind):
    bundle = open_bundle(run_folder / "bundle")
    header, _ = read_header(bundle.discriminator_path)
    entries, end = {}, 0
    for name, info in header.items():
        size = (info.end - info.start) * {"BF16": 2, "F16": 2, "F8_E4M3": 1, "I32": 4}[kind] // 4
        entries[name] = {"dtype": kind, "shape": info.shape, "data_offsets": [end, end + size]}
        end += size
    words = json.dumps(entries).encode()
    bundle.discriminator_path.write_bytes(struct.pack("<Q", len(words)) + words + bytes(end))
    with pytest.raises(LoadError, match="float32"):
        OwnDiscriminator(bundle)
    with pytest.raises(TrainingError, match="discriminator"):
        make_state(finetune_config(bundle, data, steps=1, threads=1))


def test_sizes_that_no_picture_has_are_told_where_it_is_copied_and_trained(
    run_folder, data, tmp_path
):
    bundle = edited(open_bundle(run_folder / "bundle"), image_size=1 << 62)
    with pytest.raises(BundleError, match=FILE):
        convert(bundle, tmp_path / "copy")
    with pytest.raises(TrainingError, match="discriminator"):
        make_state(finetune_config(bundle, data, steps=1, threads=1))


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_one_that_can_look_at_no_picture_is_told(run_folder):
    bundle = edited(open_bundle(run_folder / "bundle"), critic_channels=[4] * 7)  # 8 pixels halved
    judge = Discriminator(parsed(bundle.config.discriminator))
    tensors = {f"discriminator.{name}": value.numpy() for name, value in judge.state_dict().items()}
    save_file(tensors, bundle.discriminator_path)
    with pytest.raises(LoadError, match="its sizes are not usable"):
        OwnDiscriminator(bundle)


def test_what_only_says_that_it_has_one_is_trained_with_a_new_one(base, data):
    spec = msgspec.structs.replace(base.spec, discriminator=True)
    config = msgspec.structs.replace(base.config, spec=spec)
    says = msgspec.structs.replace(base, config=config)
    assert what_can_train(says).discriminator == "new"
    assert finetune_config(says, data, threads=1, freeze_d=1).finetune.freeze_d == 0
    with pytest.raises(TrainingError, match="no discriminator of its own"):
        finetune_config(says, data, threads=1, discriminator="own")


def test_a_vae_is_kept_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(train_bundle, "MAX_ACCELERATOR_PARAMETERS", 0)
    run = TrainingRun.start(config_of(tmp_path, VAE, steps=2, every=1), tmp_path / "run")
    list(run.events())
    assert run.timeline.discriminators() == ()
    for bundle in (
        keep(tmp_path / "run", run.snapshot()),
        open_bundle(tmp_path / "run" / "bundle"),
    ):
        assert not bundle.spec.discriminator
        assert not (bundle.path / FILE).exists()
        assert bundle.ref == run.snapshot().ref


def test_a_network_of_both_players_is_kept_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(train_bundle, "MAX_ACCELERATOR_PARAMETERS", 0)
    config = config_of(tmp_path, GAN, steps=2, every=1)
    run = TrainingRun.start(config, tmp_path / "run")
    averaged = {}
    for event in run.events():
        if isinstance(event, OnTimeline):
            averaged[event.step] = opinion(run.state.ema.discriminator)
    assert run.timeline.discriminators() == ()
    for step in run.timeline.steps():
        kept = keep(tmp_path / "run", run.timeline.snapshot(step), tmp_path / str(step))
        assert not (kept.path / FILE).exists()
        assert what_can_train(kept).discriminator == "own"
        x, y = pictures()  # its own are in [-1, 1]
        scores = OwnDiscriminator(kept).score(x * 2 - 1, y)
        torch.testing.assert_close(scores, averaged[step], rtol=0, atol=0)
