"""Classes of data and model, matched by name."""

import numpy as np
import pytest

from genviewer.io.dataset_gallery import make_gallery
from genviewer.io.dataset_mapping import LEFT_OUT, DataChoices, match_classes, propose
from genviewer.io.dataset_survey import UNLABELLED, survey
from tests.io.data_files import classes, encoded, picture, write_tree


@pytest.mark.parametrize(
    ("found", "known", "wanted"),
    [
        (["cat", "dog"], ["dog", "cat", "eel"], {"cat": "cat", "dog": "dog"}),
        (["03", "7", "12"], [str(i) for i in range(10)], {"03": "3", "7": "7"}),
        (["T_shirt", "a-Boot"], ["t shirt", "a boot"], {"T_shirt": "t shirt", "a-Boot": "a boot"}),
        (["A", "a"], ["A", "a"], {"A": "A", "a": "a"}),
        (["CAT"], ["Cat", "cat"], {}),  # either could be meant
        ([UNLABELLED], ["", "cat"], {}),
    ],
)  # fmt: skip
def test_classes_are_matched_by_name(found, known, wanted):
    assert match_classes(found, known) == wanted


def test_a_class_that_the_model_lacks_is_a_new_one():
    choices = propose(["1", "frog"], [str(i) for i in range(10)], "/data/x", can_grow=True)
    assert choices.mapping == {"1": "1", "frog": "frog"}
    assert choices.new_classes == ("frog",)
    assert choices.used == {"1": "1", "frog": "frog"}


def test_where_the_model_cannot_grow_it_is_left_out():
    choices = propose(["1", "frog"], ["1"], "/data/x", can_grow=False)
    assert choices.mapping == {"1": "1", "frog": LEFT_OUT}
    assert choices.new_classes == ()
    assert choices.used == {"1": "1"}


def test_a_thousand_classes_are_not_added_at_once():
    choices = propose([f"n{i}" for i in range(1000)], ["1"], "/data/x", can_grow=True)
    assert choices.new_classes == ()
    assert set(choices.mapping.values()) == {LEFT_OUT}


def test_a_flat_folder_is_called_after_itself():
    new = propose([UNLABELLED], ["cat"], "/data/frogs.zip", can_grow=True)
    assert new.mapping == {UNLABELLED: "frogs"}
    assert new.new_classes == ("frogs",)
    known = propose([UNLABELLED], ["cat"], "/data/Cat", can_grow=True)
    assert known.mapping == {UNLABELLED: "cat"}
    assert known.new_classes == ()


def test_loose_images_beside_a_folder_of_the_same_name_are_another_class():
    new = propose([UNLABELLED, "cats"], ["dog"], "/data/cats", can_grow=True)
    assert new.mapping == {UNLABELLED: "cats 2", "cats": "cats"}
    assert new.new_classes == ("cats 2", "cats")
    known = propose([UNLABELLED, "cats"], ["cats"], "/data/cats", can_grow=True)
    assert known.mapping == {UNLABELLED: "cats", "cats": "cats"}
    assert known.new_classes == ()


def test_a_model_without_classes_takes_all():
    choices = propose(["cat", "dog"], [], "/data/x", can_grow=True)
    assert choices == DataChoices()
    assert choices.used is None


# Pictures to look at


def test_a_gallery_shows_every_class_and_some_larger_images(tmp_path):
    files = classes({"cat": 9, "dog": 2}) | {"dog/large.png": encoded(picture(5, 300, 600, 3))}
    gallery = make_gallery(survey(write_tree(tmp_path, files)), each=4, samples=6)
    assert {name: shown.shape for name, shown in gallery.thumbnails.items()} == {
        "cat": (4, 64, 64, 3),
        "dog": (3, 64, 64, 3),
    }
    assert len(gallery.samples) == 6
    assert max(max(image.shape[:2]) for image in gallery.samples) == 256
    cats = {picture(i).tobytes() for i in range(9)}
    assert sum(image.tobytes() in cats for image in gallery.samples) == 3


def test_a_gallery_of_one_image(tmp_path):
    gallery = make_gallery(survey(write_tree(tmp_path, {"a.png": encoded(picture(0))})))
    assert gallery.thumbnails[UNLABELLED].shape == (1, 64, 64, 3)
    np.testing.assert_array_equal(gallery.samples[0], picture(0))


def test_a_gallery_can_be_given_up(tmp_path):
    def stop(_done, _text):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        make_gallery(survey(write_tree(tmp_path, classes({"a": 2}))), report=stop)
