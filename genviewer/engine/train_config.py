"""The configuration of a training run: what ``train.toml`` may say."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from genviewer.core.spec import Spec
from genviewer.io.bundle import MAX_CONFIG_BYTES
from genviewer.io.dataset_fit import Fit
from genviewer.nets.families import family

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Layers = Literal["all", "decoder", "last", "condition"]
_NONE = "none"


class DataConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the images come from; ``source`` is a path or a name that ``--data`` may replace.

    ``class_names`` are the model's classes in their order. ``mapping`` takes a class of the data to
    the model's class of another name, or to none ("": its images are left out); images without
    a class are of the class "". ``fit`` brings images to the model's size, and ``validation`` is
    the share of them that is kept from training.
    """

    source: str
    class_names: tuple[str, ...] = ()
    seed: int = 0
    count: int = 0  # images of a generated source; 0: its own default
    mapping: dict[str, str] = {}
    fit: Fit = Fit()
    validation: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.validation < 1:
            raise ValueError("validation must be at least 0 and below 1")

    def class_indices(self, found: Iterable[str]) -> dict[str, int]:
        """The model's class, by number, of each class of the data; those left out are not in it.

        ``found`` are the names in the data; that of images without a class is empty.

        Raises:
            TrainingError: the model has no class for one of them.
        """
        places = {name: index for index, name in enumerate(self.class_names)}
        result: dict[str, int] = {}
        for name in found:
            wanted = self.mapping.get(name, name)
            if name in self.mapping and not wanted:
                continue
            if wanted not in places:
                what = f"the class {name!r}" if name else "images without a class"
                raise TrainingError(
                    f"{self.source} has {what}, and the model has no such class: map it to one of "
                    "the model's, add it as a new class, or leave it out."
                )
            result[name] = places[wanted]
        return result


class OptimizerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Adam and its schedule: linear warm-up, then a cosine down to ``final`` of the rate."""

    learning_rate: float = 1e-3
    discriminator_rate: float = 0.0  # 0: as learning_rate
    beta1: float = 0.9
    beta2: float = 0.999
    warmup: int = 100
    final: float = 0.05
    ema: float = 0.999
    clip: float = 0.0  # the longest gradient that is taken as it is; 0: any


class VAEObjective(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The weighted ELBO.

    ``beta`` weighs the KL, reached linearly over ``kl_warmup`` steps; with ``total_correlation`` it
    weighs that part only (beta-TCVAE). ``condition_dropout`` is the share of images whose class is
    left empty, which teaches the model "any class".

    ``class_weight`` and ``adversarial_weight`` weigh, in nats, what a classifier and a
    discriminator say that learn beside the model from the real images (as in CVAE-GAN, Bao et
    al. 2017); both are reached linearly over ``companion_warmup`` steps, begun after
    ``companions_from`` steps without the two. With classes they judge
    samples from the prior, which teaches the decoder to draw well in those parts of the latent
    space too where the encoder puts few images of a class; without, they judge reconstructions, so
    that a latent of few dimensions keeps the classes apart and the pictures sharp.
    ``classifier`` tells whether that classifier has convolutions.

    The KL terms begin ``heat`` times heavier and fall to their weight geometrically over
    ``cooling`` steps. Dimensions then come into use one by one, the factor that explains most
    first, and so find one factor each (the idea of Burgess et al. 2018).

    With ``warp_at`` the network's prior warp is fitted after that many steps to the aggregated
    posterior; for the rest of the steps the encoder alone learns, on the plain ELBO.

    With ``views`` that many images of a group share one latent
    (:mod:`genviewer.engine.train_groups`).
    """

    beta: float = 1.0
    kl_warmup: int = 0
    free_bits: float = 0.0
    total_correlation: bool = False
    heat: float = 1.0
    cooling: int = 0
    condition_dropout: float = 0.0
    class_weight: float = 0.0
    classifier: Literal["convolutional", "dense"] = "convolutional"
    companion_warmup: int = 0
    companions_from: int = 0
    adversarial_weight: float = 0.0
    warp_at: int = 0
    views: int = 0

    def __post_init__(self) -> None:
        if min(self.beta, self.free_bits, self.class_weight, self.adversarial_weight) < 0:
            raise ValueError("beta, free_bits and the weights must not be negative")
        if self.heat < 1 or self.cooling < 0:
            raise ValueError("heat must be at least 1 and cooling not negative")
        if not 0 <= self.condition_dropout <= 1:
            raise ValueError("condition_dropout must be in 0..1")
        if self.total_correlation and self.free_bits:
            raise ValueError("free_bits does not apply to beta-TCVAE")
        if self.views < 0 or (self.views and self.total_correlation):
            raise ValueError("views must not be negative and do not apply to beta-TCVAE")
        if self.views and self.warp_at:
            raise ValueError("views and warp_at do not go together")


class GANObjective(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The adversarial loss and its gradient penalty.

    ``penalty`` is the weight of R1 for ``nonsaturating`` and ``hinge`` (gamma of Mescheder et
    al. 2018, applied every ``penalty_every`` steps and scaled up accordingly), and of the gradient
    penalty for ``wgan``. ``augment`` is a comma-separated DiffAugment policy of ``brightness``,
    ``translation`` and ``cutout``.
    """

    loss: Literal["nonsaturating", "hinge", "wgan"] = "nonsaturating"
    penalty: float = 1.0
    penalty_every: int = 1
    critic_steps: int = 1
    augment: str = ""

    def __post_init__(self) -> None:
        if self.penalty < 0 or self.penalty_every < 1 or self.critic_steps < 1:
            raise ValueError("penalty must not be negative; the step counts must be at least 1")
        unknown = {p for p in self.augment.split(",") if p} - {
            "brightness",
            "translation",
            "cutout",
        }
        if unknown:
            raise ValueError(f"augment knows brightness, translation and cutout, not {unknown}")


class FinetuneConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a model goes on learning from other images than those that made it.

    ``layers`` is what trains: everything, the decoder alone, its last blocks, or the weights that
    bring the class in. ``freeze_d`` keeps that many of the discriminator's first layers as they are
    (FreezeD, Mo et al. 2020). ``new_classes`` are appended to the model's; the network table has
    room for them already. ``discriminator`` is the model's own, or a new one.

    ``replay`` is the share of every batch that the model as it was draws of its old classes, so
    that it does not forget them (Shin et al. 2017, generative replay); 0: none.

    With ``anew`` all weights begin as they would in a new network; only what no training makes,
    such as filters, is taken from ``start_from``.

    ``spec`` is what the model can do, where the network table does not tell: it is another
    family's. ``settings`` are those under which ``start_from`` was opened.
    """

    layers: Layers = "all"
    freeze_d: int = 0
    new_classes: tuple[str, ...] = ()
    discriminator: Literal["own", "new"] = "own"
    replay: float = 0.0
    anew: bool = False
    spec: Spec | None = None
    settings: dict[str, str] = {}

    def __post_init__(self) -> None:
        if self.freeze_d < 0 or not 0 <= self.replay < 1:
            raise ValueError("freeze_d must not be negative, and replay at least 0 and below 1")
        if len(set(self.new_classes)) < len(self.new_classes) or "" in self.new_classes:
            raise ValueError("new_classes must have names of their own")


class CardConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the model card says that the run itself cannot know."""

    summary: str = ""
    data: str = ""
    licence: str = ""
    limits: str = ""


class TrainConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole run. ``network`` is a table of :mod:`genviewer.nets.families`."""

    name: str
    steps: int
    data: DataConfig
    network: dict[str, Any]
    batch_size: int = 128
    seed: int = 0
    threads: int = 0  # 0: all cores
    checkpoint_every: int = 500
    keep_checkpoints: int = 3  # 0: all
    log_every: int = 50
    evaluate_every: int = 0  # steps between measures of the samples; 0: never
    tensorboard: bool = False  # event files too
    start_from: str = ""  # a bundle whose weights to begin with
    optimizer: OptimizerConfig = OptimizerConfig()
    vae: VAEObjective | None = None
    gan: GANObjective | None = None
    finetune: FinetuneConfig | None = None
    card: CardConfig = CardConfig()

    def __post_init__(self) -> None:
        if not self.name or "/" in self.name or self.name.startswith("."):
            raise ValueError("name must be usable as a folder's name")
        if self.steps < 0 or min(self.batch_size, self.checkpoint_every, self.log_every) < 1:
            raise ValueError("steps must not be negative; batch and intervals must be at least 1")
        if self.evaluate_every < 0:
            raise ValueError("evaluate_every must not be negative")
        kind = family(self.network).kind
        warp, fitted = bool(self.network.get("warp")), bool(self.vae and self.vae.warp_at)
        if warp != fitted and not (self.finetune is not None and warp):
            raise ValueError("a network with a warp needs the step warp_at, and no other does")
        if self.vae is not None and self.vae.class_weight and not self.label_classes:
            raise ValueError("class_weight needs a network with classes, or class_names")
        if self.vae is not None and self.vae.views > self.batch_size:
            raise ValueError("batch_size must be at least views")
        if self.finetune is not None:
            self._check_finetune(self.finetune, kind)
        elif (kind == "vae") != (self.vae is not None) or (kind == "gan") != (self.gan is not None):
            raise ValueError(f"a network of kind {kind} needs the table [{kind}] and no other")

    def _check_finetune(self, finetune: FinetuneConfig, kind: str) -> None:
        if (self.vae is None) == (self.gan is None):
            raise ValueError("a run needs the table [vae] or [gan] and not both")
        if kind not in ("vae", "gan") and finetune.spec is None:
            raise ValueError(f"a network of kind {kind} needs a spec in [finetune]")
        if (kind == "vae" and self.gan) or (kind in ("gan", "styles") and self.vae):
            raise ValueError(f"a network of kind {kind} is not trained so")
        if finetune.freeze_d and (self.gan is None or finetune.discriminator == "new"):
            raise ValueError("freeze_d is for a discriminator that has learned something")
        count = len(finetune.new_classes)
        if count and self.data.class_names[-count:] != finetune.new_classes:
            raise ValueError("new_classes must be the last of class_names")
        if finetune.replay and not self.data.class_names:
            raise ValueError("replay is for models with classes")
        helped = self.vae is not None and (self.vae.class_weight or self.vae.adversarial_weight)
        if helped and kind != "vae":
            raise ValueError("class_weight and adversarial_weight are for networks trained here")

    @property
    def label_classes(self) -> int:
        """How many classes the labels have: the network's, or as many as the data names."""
        return int(self.network.get("classes", 0)) or len(self.data.class_names)


class TrainingError(ValueError):
    """A run that cannot be started or goes on; the message is one sentence for the user."""


def read_config(path: Path) -> TrainConfig:
    """The run that a TOML file describes.

    Raises:
        TrainingError: the file cannot be read, or a field is unknown or out of range.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_CONFIG_BYTES + 1)
        if len(data) > MAX_CONFIG_BYTES:
            raise TrainingError(f"{path} is far too large for a configuration.")
        table = tomllib.loads(data.decode())
        network = table.get("network")
        if isinstance(network, dict):
            network |= dict.fromkeys(network.pop(_NONE, ()), None)
        return msgspec.convert(table, type=TrainConfig)
    except OSError as error:
        raise TrainingError(f"{path} cannot be read: {error.strerror}.") from error
    except TrainingError:
        raise
    except RecursionError as error:
        raise TrainingError(f"{path} is nested too deeply for a configuration.") from error
    except (ValueError, TypeError) as error:
        raise TrainingError(f"{path} is not a usable configuration: {error}.") from error


def config_table(config: TrainConfig) -> dict[str, Any]:
    """The tables of ``train.toml`` that :func:`read_config` makes the same run of.

    TOML has no value for nothing: fields of the network that are None are listed under ``none``.
    """
    table: dict[str, Any] = msgspec.to_builtins(config)
    none = [name for name, value in config.network.items() if value is None]
    if none:
        table["network"] = {**table["network"], _NONE: none}
    return table
