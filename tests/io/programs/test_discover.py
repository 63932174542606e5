"""What inputs and outputs mean, with programs that are NumPy functions."""

import numpy as np
import pytest

from genviewer.io.programs.discover import Hints, Input, NotADecoderError, discover
from genviewer.io.programs.guarded_process import ProgramError
from genviewer.io.readers.settings import Settings


def failing(function):
    """As a guarded process tells of it."""

    def run(arrays):
        try:
            return function(*arrays)
        except (ValueError, IndexError, TypeError) as error:
            raise ProgramError(str(error)) from error

    return run


def picture(z, *, shape=(1, 8, 8)):
    flat = z.reshape(len(z), -1)
    grid = np.tile(flat, (1, 1 + int(np.prod(shape)) // flat.shape[1]))[:, : int(np.prod(shape))]
    return np.tanh(grid).reshape(len(z), *shape).astype(np.float32)


NOTHING = Hints()


def found(inputs, function, hints=NOTHING, **said):
    settings = Settings({key: str(value) for key, value in said.items()})
    return discover("tiny", inputs, failing(function), hints, settings)


def test_a_plain_decoder():
    result = found([Input("z", "float32", (None, 6))], lambda z: [picture(z, shape=(3, 8, 8))])
    assert (result.spec.latent.dim, result.spec.image.channels) == (6, 3)
    assert result.spec.image.range == (-1.0, 1.0)
    assert {guess.field for guess in result.guesses} == {"prior", "range"}


def test_a_size_that_is_free_is_found_by_trying():
    def run(z):
        if z.shape[1:] != (12, 1, 1):
            raise ValueError("shapes do not fit")
        return [picture(z)]

    result = found([Input("z")], run, Hints(latent_sizes=(64, 12)))
    assert result.spec.latent.dim == 12
    assert result.wiring.feeds[0].shape == (12, 1, 1)


def test_classes_are_counted_by_the_first_index_that_fails():
    def run(z, label):
        return [picture(z) * np.zeros(11)[label][:, None, None, None]]

    inputs = [Input("z", "float32", (None, 6)), Input("label", "int64", (None,))]
    result = found(inputs, run)
    assert result.spec.conditions[0].size == 11
    assert not any(guess.field == "classes" for guess in result.guesses)


def test_what_the_person_says_of_classes_is_not_counted():
    inputs = [Input("z", "float32", (None, 6)), Input("label", "int64", (None,))]
    result = found(inputs, lambda z, label: [picture(z)], classes=4)
    assert result.spec.conditions[0].size == 4


def test_a_label_before_the_latent_is_still_the_label():
    def run(label, noise):
        assert label.shape[1] == 10
        return [picture(noise)]

    inputs = [Input("class_label", "float32", (None, 10)), Input("noise", "float32", (None, 4))]
    result = found(inputs, run)
    assert (result.spec.latent.dim, result.spec.conditions[0].size) == (4, 10)


def test_truncation_is_left_alone():
    def run(z, psi):
        assert np.asarray(psi).shape == ()
        return [picture(z) * psi]

    result = found([Input("z", "float32", (None, 4)), Input("psi", "float32", ())], run)
    assert result.spec.conditions == ()
    assert result.wiring.feeds[1].value == 1.0


@pytest.mark.parametrize("batch", [1, 4])
def test_a_fixed_batch_is_kept(batch):
    def run(z):
        if len(z) != batch:
            raise ValueError("the batch is fixed")
        return [picture(z)]

    result = found([Input("z", "float32", (batch, 6))], run)
    assert result.wiring.batch == batch


@pytest.mark.parametrize(
    ("shape", "layout", "image"),
    [
        ((8, 10, 3), "nhwc", (3, 8, 10)),
        ((4, 9, 9), "nchw", (4, 9, 9)),
        ((784,), "flat", (1, 28, 28)),
        ((3 * 32 * 32,), "flat", (3, 32, 32)),
        ((12, 12), "nchw", (1, 12, 12)),
    ],
)
def test_layouts(shape, layout, image):
    result = found([Input("z", "float32", (None, 5))], lambda z: [picture(z, shape=shape)])
    spec = result.spec.image
    assert (result.wiring.layout, (spec.channels, spec.height, spec.width)) == (layout, image)


def test_the_output_that_is_a_picture_is_chosen():
    def run(z):
        return [z, np.zeros((len(z), 7, 3), np.float32), picture(z)]

    assert found([Input("z", "float32", (None, 5))], run).wiring.output == 2


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ([Input("x", "float32", (None, 3, 32, 32))], "takes pictures"),
        ([Input("img", "float32", (None, 64, 64, 3))], "takes pictures"),
        (
            [Input("sample", "float32", (None, 4, 64, 64)), Input("timestep", "int64", (None,))],
            "diffusion",
        ),
        ([Input("input_ids", "int64", (None, 77))], "text"),
        ([Input("index", "int64", (None,))], "no latent"),
        ([], "no input"),
    ],
)
def test_other_networks_are_refused_by_name(inputs, words):
    with pytest.raises(NotADecoderError, match=words):
        found(inputs, lambda *a: [np.zeros((2, 1, 8, 8), np.float32)])


@pytest.mark.parametrize("shape", [(10,), (100,), (1, 3, 3), (2, 2, 2, 2)])
def test_what_is_no_picture_is_refused(shape):
    def run(z):
        return [np.zeros((len(z), *shape), np.float32)]

    if shape == (100,):
        assert found([Input("z", "float32", (None, 5))], run).spec.image.height == 10
        with pytest.raises(NotADecoderError):
            found([Input("z", "float32", (None, 5))], run, output="refuse")
    else:
        with pytest.raises(NotADecoderError, match="no pictures"):
            found([Input("z", "float32", (None, 5))], run)


def test_a_latent_that_changes_nothing_is_told():
    run = lambda z: [np.full((len(z), 1, 8, 8), 0.5, np.float32)]  # noqa: E731
    result = found([Input("z", "float32", (None, 5))], run)
    assert any("does not change" in sentence for sentence in result.warnings)


def test_too_much_memory_is_not_tried_around():
    def run(arrays):
        raise ProgramError("needs more memory", "memory")

    with pytest.raises(ProgramError):
        discover("t", [Input("z")], run, Hints((4,)), Settings())


def test_class_names_come_from_the_metadata():
    hints = Hints(metadata={"class_names": '["ant", "bee"]'})
    inputs = [Input("z", "float32", (None, 6)), Input("y", "float32", (None, 2))]
    result = found(inputs, lambda z, y: [picture(z)], hints)
    assert result.spec.conditions[0].names == ("ant", "bee")
