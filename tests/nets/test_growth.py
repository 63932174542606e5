"""Networks with room for more classes: what they draw of the old ones is what they drew before."""

import pytest
import torch

from genviewer.nets.families import build
from genviewer.nets.growth import class_places, grown_config, grown_weights, is_conditional

COMMON = {"image_size": 8, "classes": 3}
OURS = {
    "residual_vae": {"type": "residual_vae", **COMMON, "latent_dim": 4, "channels": [8, 4]},
    "modulated": {
        "type": "residual_vae", **COMMON, "latent_dim": 4, "channels": [8, 4], "modulated": True
    },
    "mlp_vae": {"type": "mlp_vae", **COMMON, "latent_dim": 4, "encoder": [8], "decoder": [8]},
    "projection": {"type": "residual_gan", **COMMON, "latent_dim": 4, "channels": [8, 4]},
    "auxiliary": {
        "type": "residual_gan", **COMMON, "latent_dim": 4, "channels": [8, 4],
        "conditioning": "auxiliary",
    },
}  # fmt: skip
DECODED = [
    {"type": "linear", "name": "net.0", "inputs": 7, "outputs": 16},
    {"type": "activation", "kind": "relu"},
    {"type": "reshape", "shape": [1, 4, 4]},
]


def merged(how, steps=()):
    """A chain whose latent of 4 meets 3 classes in one way or another."""
    return [{"type": "merge", "condition": 0, "how": how, "steps": list(steps)}]


EMBEDDED = {"type": "embedding", "name": "embed", "classes": 3, "size": 3}
CHAINS = {
    "one-hot after": [*merged("after"), *DECODED],
    "one-hot before": [*merged("before"), *DECODED],
    "embedded": [*merged("before", [EMBEDDED]), *DECODED],
    "normalised": [
        {"type": "linear", "name": "net.0", "inputs": 4, "outputs": 16},
        {
            "type": "conditional_norm", "name": "norm", "features": 16, "condition": 0,
            "classes": 3, "gain": "gain", "shift": "shift",
        },
        {"type": "reshape", "shape": [1, 4, 4]},
    ],
}  # fmt: skip
MAPPING = {"latent_dim": 4, "classes": 3, "embed": 4, "widths": [8, 8]}
FOREIGN = {
    **{
        name: {"type": "chain", "latent": 4, "image": [1, 4, 4], "conditions": [3], "decoder": line}
        for name, line in CHAINS.items()
    },
    "stylegan2": {"type": "stylegan2", "mapping": MAPPING, "channels": [8, 4], "image_channels": 1},
    "biggan": {
        "type": "biggan", "latent_dim": 4, "classes": 3, "embed": 4, "colours": 4,
        "blocks": [{"inputs": 8, "outputs": 4, "up": True}], "attention": None, "statistics": 3,
    },
}  # fmt: skip


def before_and_after(table, extra=2):
    """A network of random weights, and the one with ``extra`` classes more."""
    torch.manual_seed(0)
    before = build(table).eval()
    for value in before.state_dict().values():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.1)
    after = build(grown_config(table, extra)).eval()
    after.load_state_dict(grown_weights(table, before.state_dict(), extra))
    return before, after


def classes(count=5):
    """Latents, and one of three classes each, packed for three and for five of them."""
    z = torch.randn(count, 4, generator=torch.Generator().manual_seed(1))
    y = torch.eye(3)[torch.arange(count) % 3]
    return z, y, torch.cat([y, torch.zeros(count, 2)], 1)


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("count", [1, 5])
def test_old_classes_are_the_same_bit_for_bit(name, count):
    before, after = before_and_after(OURS[name])
    z, y, wider = classes(count)
    with torch.no_grad():
        x = before.decode(z, y)
        assert torch.equal(after.decode(z, wider), x)
        if hasattr(before, "encode"):
            for old, new in zip(before.encode(x, y), after.encode(x, wider), strict=True):
                assert torch.equal(new, old)
        else:
            assert torch.equal(after.discriminate(x, wider), before.discriminate(x, y))


@pytest.mark.parametrize("name", FOREIGN)
def test_old_classes_of_foreign_networks_are_the_same(name):
    before, after = before_and_after(FOREIGN[name])
    z, y, wider = classes()
    with torch.no_grad():
        x, again = before.decode(z, y), after.decode(z, wider)
        assert x.std() > 0
        torch.testing.assert_close(again, x, rtol=1e-5, atol=1e-5)
        assert not torch.allclose(before.decode(z, y.roll(1, 1)), x)  # the class matters at all


def test_a_new_class_begins_as_the_mean_of_the_old_ones():
    before, after = before_and_after(OURS["mlp_vae"])
    z, y = classes(1)[:2]
    middle = torch.full_like(y, 1 / 3)
    new = torch.eye(5)[[4]]
    with torch.no_grad():
        torch.testing.assert_close(after.decode(z, new), before.decode(z, middle))


def test_a_discriminators_class_head_grows_by_rows():
    before, after = before_and_after(OURS["auxiliary"])
    head, wider = before.discriminator.classifier, after.discriminator.classifier
    assert wider.weight.shape[0] == 5
    torch.testing.assert_close(wider.weight[3], head.weight.mean(0))
    torch.testing.assert_close(wider.bias[4], head.bias.mean())


def test_the_classes_of_a_joined_input_are_where_they_entered():
    assert class_places(FOREIGN["one-hot before"])["net.0.weight"] == (1, 0, 3)
    assert class_places(FOREIGN["one-hot after"])["net.0.weight"] == (1, 4, 7)


@pytest.mark.parametrize(
    "table",
    [
        {**OURS["mlp_vae"], "classes": 0},
        {"type": "broadcast_vae", "image_size": 8},
        {**FOREIGN["embedded"], "conditions": [3, 2]},
        {
            **FOREIGN["embedded"],
            "decoder": [
                *merged("after"),
                {"type": "batch_norm", "name": "norm", "features": 7},
                *DECODED,
            ],
        },
    ],
    ids=["unconditional", "broadcast", "two conditions", "normalised with the latent"],
)
def test_what_has_no_room_for_classes_says_so(table):
    assert not is_conditional(table)
    with pytest.raises(ValueError, match=r"class|condition"):
        grown_config(table, 1)
