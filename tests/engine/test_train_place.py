"""A run on another device than the CPU: no tensor of a step is left behind.

Where there is no such device, ``meta`` stands for it: its tensors have shapes and no values, and
mix with those of the CPU no better than a GPU's do.
"""

from itertools import islice

import msgspec
import pytest
import torch
from torch import nn

from genviewer.engine import train_warp
from genviewer.engine.train_config import read_config
from genviewer.engine.train_groups import GroupBatches, some_views
from genviewer.engine.train_noise import Noise, Share
from genviewer.engine.train_place import Place
from genviewer.engine.training import make_state, training_steps
from genviewer.engine.training_data import load_training_images
from tests.engine.test_train_groups import dataset
from tests.engine.test_train_parallel import write_finetuning
from tests.engine.test_train_warp import CONFIG as WARPED
from tests.tiny_runs import GAN, VAE, bars, config_of

META = torch.device("meta")


def take_along(state):
    """Move a state's networks as ``Module.to`` does where both devices have values: the optimizers
    keep their parameters.
    """
    moved = {}

    def of(tensor):
        if id(tensor) not in moved:
            there = tensor.detach().to(META)
            if isinstance(tensor, nn.Parameter):
                there = nn.Parameter(there, tensor.requires_grad)
            moved[id(tensor)] = there
        return moved[id(tensor)]

    for network in (state.network, state.ema, *state.companions.values()):
        for module in network.modules():
            for own in (module._parameters, module._buffers):
                own.update({name: of(value) for name, value in own.items() if value is not None})
    for optimizer in state.optimizers.values():
        for group in optimizer.param_groups:
            group["params"] = [of(parameter) for parameter in group["params"]]


@pytest.fixture
def values(monkeypatch):
    """What is read of a tensor on that device: something."""
    monkeypatch.setattr(torch.Tensor, "item", lambda self: 0.5)
    monkeypatch.setattr(
        torch.Tensor, "cpu", lambda self: torch.full(self.shape, 1, dtype=self.dtype)
    )


def steps_of(config, place, count=4):
    images, _ = load_training_images(config)
    state = make_state(config)
    take_along(state)
    place.distribute(state)
    rows = list(islice(training_steps(config, state, images), count))
    assert len(rows) == count
    for network in (state.network, state.ema):
        assert {value.device for value in network.state_dict().values()} == {META}


TEXTS = {
    "vae": VAE + "condition_dropout = 0.2\n",
    "companions": VAE + "class_weight = 1.0\nadversarial_weight = 1.0\n",
    "correlated": VAE + "total_correlation = true\n",
    "gan": GAN.replace('"translation"', '"brightness,translation,cutout"'),
    "wgan": GAN + 'loss = "wgan"\n',
    "auxiliary": GAN.replace("[gan]", 'conditioning = "auxiliary"\n[gan]'),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_a_step_leaves_no_tensor_behind(tmp_path, values, kind):
    steps_of(config_of(tmp_path, TEXTS[kind]), Place("meta"))


def test_what_is_left_behind_is_found(tmp_path, values):
    place = Place("meta")
    place.distribute = lambda state: setattr(state.noise, "share", Share())
    with pytest.raises((RuntimeError, NotImplementedError), match=r"device|meta"):
        steps_of(config_of(tmp_path), place)


def test_a_fine_tuning_leaves_no_tensor_behind(tmp_path, values):
    steps_of(read_config(write_finetuning(tmp_path / "run") / "tiny.toml"), Place("meta"))


def test_batches_of_groups_are_made_there(tmp_path):
    """Which views are seen is a matter of values: such a step cannot be made believe."""
    share = Place("meta").share
    x, y = GroupBatches(dataset(), 12, 4, 0, 6, share).at(0)
    noise = Noise()
    noise.share = share
    assert {x.device, y.device, some_views(3, 4, noise).device} == {META}


def test_a_warp_leaves_no_tensor_behind(tmp_path, values, monkeypatch):
    path = tmp_path / "warped.toml"
    path.write_text(WARPED.format(data=bars(tmp_path / "bars.npz").as_posix()))
    config = read_config(path)
    config = msgspec.structs.replace(config, vae=msgspec.structs.replace(config.vae, warp_at=2))
    monkeypatch.setattr(train_warp, "TURNS", 2)
    steps_of(config, Place("meta"))


def test_a_place_of_one_process_takes_any_run(tmp_path):
    place = Place("cpu")
    assert (place.first, place.share) == (True, Share())
    place.check(config_of(tmp_path))
    assert place.mean({"a": 2.0}) == {"a": 2.0}
    assert place.from_first(lambda: 3) == 3
