"""How good a model's samples are, measured against real images; `genviewer evaluate`.

Everything follows from the model, the data, the features and the seed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
import torch

from genviewer.core.condition import pack
from genviewer.core.prior import draw
from genviewer.core.recipe import default_condition
from genviewer.engine.evaluate_data import Reference, make_reference
from genviewer.engine.evaluate_density import Bound, measure_bound
from genviewer.engine.evaluate_features import (
    STEPS,
    EvaluationError,
    RandomSpace,
    cached_classifier,
    classifier_for,
    data_hash,
    open_classifier,
    reduced,
)
from genviewer.engine.evaluate_metrics import (
    NEIGHBOURS,
    frechet_distance,
    mean_distance,
    precision_recall,
    precision_recall_ticks,
)
from genviewer.engine.generator import load_generator
from genviewer.engine.train_judge import looks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from genviewer.core.spec import Spec
    from genviewer.engine.evaluate_features import Space
    from genviewer.engine.generator import Generator
    from genviewer.io.bundle import Bundle
    from genviewer.io.datasets import Images

    Report = Callable[[str, int, int], None]

DEFAULT_COUNT = 10_000
MIN_COUNT = 10
PER_CLASS = 300  # images of a class among which distances are taken
SURE = 0.9
_CHUNK = 100


class Features(msgspec.Struct, frozen=True):
    """What the images were measured in; ``test_accuracy`` where it is a classifier."""

    name: str
    sha256: str
    dimensions: int
    test_accuracy: float | None


class Likeness(msgspec.Struct, frozen=True):
    """How like the real images a set is: in the units of the features, and shares in 0..1."""

    frechet_distance: float
    precision: float
    recall: float


class Diversity(msgspec.Struct, frozen=True):
    """Mean pixel distance (root mean square, values in 0..1) between two samples and two real
    images, of one class or of all.
    """

    within: str  # "class" or "all"
    distance: float
    real: float
    ratio: float


class ClassAccuracy(msgspec.Struct, frozen=True):
    """The share of samples that the classifier reads as the class they were asked for."""

    mean: float
    per_class: dict[str, float]


class ClassShares(msgspec.Struct, frozen=True):
    """Of an unconditional model's samples: each class's share, and those read with > 0.9."""

    per_class: dict[str, float]
    confident: float


class Evaluation(msgspec.Struct, frozen=True):
    """All figures; what does not apply to the model or the data is None.

    ``real`` is what real training images reach when they are measured as samples are, where the
    data has two splits: no model is expected to do better.
    """

    model: str
    model_id: str
    n: int
    seed: int
    engine: str
    data: Reference
    features: Features
    samples: Likeness
    real: Likeness | None
    neighbours: int
    diversity: Diversity
    class_accuracy: ClassAccuracy | None
    class_shares: ClassShares | None
    elbo: Bound | None
    notes: list[str]


def evaluate(
    bundle: Bundle,
    train: Images,
    test: Images | None,
    *,
    count: int = DEFAULT_COUNT,
    seed: int = 0,
    classifier: Path | None = None,
    device: str = "auto",
    threads: int | None = None,
    report: Report = lambda _stage, _done, _total: None,
) -> Evaluation:
    """Measure ``count`` samples, sample i from ``seed`` + i and of class i mod K, truncation 1.

    They are compared with ``test`` where there is one, else with ``train``. The features are those
    of ``classifier``, a file that an earlier evaluation left, or of a classifier that is trained on
    ``train`` now (and kept in the user's cache), or where there are no labels of random
    convolutions. ``report`` hears in this thread of a stage, what is done of it and its total.
    Sets torch's thread count while it runs.

    Raises:
        EvaluationError: the data do not fit the model, or a classifier cannot be used.
        LoadError, DecodeError: the model cannot draw.
    """
    if count < MIN_COUNT:
        raise EvaluationError(f"At least {MIN_COUNT} samples are needed.")
    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        return _evaluate(bundle, train, test, count, seed, classifier, device, threads, report)
    finally:
        torch.set_num_threads(before)


def _evaluate(
    bundle: Bundle,
    train: Images,
    test: Images | None,
    count: int,
    seed: int,
    classifier: Path | None,
    device: str,
    threads: int | None,
    report: Report,
) -> Evaluation:
    spec, notes = bundle.spec, list[str]()
    fitted = make_reference(spec, train, test, count, seed, data_hash(train), notes)
    space = _space(fitted.train, fitted.test, classifier, spec, notes, report)
    generator = load_generator(bundle, device=device, threads=threads)
    notes += generator.notices

    real = _look(space, fitted.compared.images, report, "looking at real images")
    condition = spec.class_condition
    classes = condition.size if condition is not None and fitted.by_class else None
    drawn = _draw(generator, spec, space, count, seed, classes, report)
    floor = None
    if fitted.test is not None:
        others = _look(space, fitted.floor.images, report, "looking at training images")
        floor = _likeness(real, others, report, "comparing real images")
    accuracy, shares = _read(spec, space, drawn, classes, fitted.train.names, notes)
    bound = None
    if spec.density:
        held, split = fitted.test or fitted.train, fitted.reference.compared_with
        if fitted.by_class or not spec.conditions:
            bound = measure_bound(bundle, held, split, seed, notes, report)
    return Evaluation(
        model=spec.name,
        model_id=bundle.model_id,
        n=count,
        seed=seed,
        engine=f"{generator.engine} on {generator.device}",
        data=fitted.reference,
        features=Features(space.name, space.sha256, space.size, space.accuracy),
        samples=_likeness(real, drawn.features, report, "comparing samples"),
        real=floor,
        neighbours=NEIGHBOURS,
        diversity=_diversity(drawn, fitted.compared, classes is not None),
        class_accuracy=accuracy,
        class_shares=shares,
        elbo=bound,
        notes=notes,
    )


def _space(
    train: Images,
    test: Images | None,
    classifier: Path | None,
    spec: Spec,
    notes: list[str],
    report: Report,
) -> Space:
    if classifier is not None:
        space = open_classifier(classifier)
        if not space.fits(train.images):
            raise EvaluationError(f"{classifier} was trained on images of another size.")
        return space
    if train.labels is None:
        notes.append("The data has no labels: the features are random convolutions.")
        return RandomSpace(spec.image.channels)
    sha256, stage, done = data_hash(train), "training the classifier", 0

    def tick(steps: int) -> None:
        nonlocal done
        done += steps
        report(stage, done, STEPS)

    if not cached_classifier(sha256).is_file():
        report(stage, 0, STEPS)
    return classifier_for(train, test, sha256, tick)


class _Drawn(NamedTuple):
    """What was kept of the samples: features, probabilities, and pictures for the distances."""

    features: NDArray[Any]
    probabilities: NDArray[Any] | None
    asked: NDArray[np.int64]
    pictures: dict[int, list[NDArray[Any]]]


def _draw(
    generator: Generator,
    spec: Spec,
    space: Space,
    count: int,
    seed: int,
    classes: int | None,
    report: Report,
) -> _Drawn:
    features, probabilities = [], []
    asked = np.arange(count) % (classes or 1)
    pictures: dict[int, list[NDArray[Any]]] = {}
    limit = PER_CLASS if classes else 4 * PER_CLASS
    report(f"drawing {spec.name}", 0, count)
    for start in range(0, count, _CHUNK):
        rows = range(start, min(start + _CHUNK, count))
        z = np.stack([draw(spec.latent, seed + i) for i in rows])
        y = np.stack([pack(default_condition(spec, i), spec) for i in rows])
        images = generator.decode_pixels(z, y if spec.conditions else None)
        for i, image in zip(rows, reduced(images).numpy(), strict=True):
            kept = pictures.setdefault(int(asked[i]), [])
            if len(kept) < limit:
                kept.append(image)
        found, sure = space.look(images)
        features.append(found)
        if sure is not None:
            probabilities.append(sure)
        report(f"drawing {spec.name}", rows.stop, count)
    return _Drawn(
        np.concatenate(features),
        np.concatenate(probabilities) if probabilities else None,
        asked,
        pictures,
    )


def _look(space: Space, images: NDArray[np.uint8], report: Report, stage: str) -> NDArray[Any]:
    features = []
    for start in range(0, len(images), _CHUNK):
        features.append(space.look(images[start : start + _CHUNK])[0])
        report(stage, min(start + _CHUNK, len(images)), len(images))
    return np.concatenate(features)


def _likeness(real: NDArray[Any], others: NDArray[Any], report: Report, stage: str) -> Likeness:
    size = min(len(real), len(others))  # the reach of a set depends on its size
    total, done = precision_recall_ticks(size, size), 0

    def tick() -> None:
        nonlocal done
        done += 1
        report(stage, done, total)

    shares = precision_recall(real[:size], others[:size], NEIGHBOURS, tick)
    return Likeness(frechet_distance(real, others), shares.precision, shares.recall)


def _read(
    spec: Spec,
    space: Space,
    drawn: _Drawn,
    classes: int | None,
    names: tuple[str, ...] | None,
    notes: list[str],
) -> tuple[ClassAccuracy | None, ClassShares | None]:
    """What a classifier reads the samples as; nothing where there is none or it cannot tell."""
    if drawn.probabilities is None:
        return None, None
    predicted = drawn.probabilities.argmax(1)
    if spec.class_condition is None:
        count = drawn.probabilities.shape[1]
        shares = np.bincount(predicted, minlength=count) / len(predicted)
        told = names if names is not None and len(names) == count else tuple(map(str, range(count)))
        sure = float((drawn.probabilities.max(1) > SURE).mean())
        return None, ClassShares(dict(zip(told, map(float, shares), strict=True)), sure)
    if classes is None or drawn.probabilities.shape[1] != classes:
        notes.append("The classifier has other classes than the model: none were read.")
        return None, None
    condition = spec.class_condition
    alike = looks(condition.names, classes)
    if len(set(alike.tolist())) < classes:
        notes.append("Characters that look alike, such as O, o and 0, count as one class.")
    right = alike[predicted] == alike[drawn.asked]
    per_class = {
        condition.label(c): float(right[drawn.asked == c].mean())
        for c in range(classes)
        if (drawn.asked == c).any()
    }
    return ClassAccuracy(float(right.mean()), per_class), None


def _diversity(drawn: _Drawn, real: Images, by_class: bool) -> Diversity:
    distance = _mean_within(np.stack(kept) for kept in drawn.pictures.values())
    if by_class and real.labels is not None:
        groups = [np.flatnonzero(real.labels == c)[:PER_CLASS] for c in drawn.pictures]
    else:
        groups = [np.arange(min(len(real.images), 4 * PER_CLASS))]
    reference = _mean_within(reduced(real.images[rows]).numpy() for rows in groups)
    ratio = distance / reference if reference else float("inf")
    return Diversity("class" if by_class else "all", distance, reference, ratio)


def _mean_within(groups: Iterator[NDArray[Any]]) -> float:
    distances = [mean_distance(group) for group in groups if len(group) > 1]
    return float(np.mean(distances)) if distances else 0.0
