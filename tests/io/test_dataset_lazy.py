"""Pixels that are decoded when they are asked for, and the split by content."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genviewer.io import dataset_lazy, dataset_survey
from genviewer.io.dataset_fit import Fit, fit_image
from genviewer.io.dataset_lazy import prepare, split_counts
from genviewer.io.dataset_survey import survey
from genviewer.io.dataset_values import DataError
from tests.io.data_files import classes, encoded, picture, write_tree

FIT = Fit()


def names_of(found, images):
    """The files behind prepared images."""
    lazy = images.images
    return [found.items.name(int(row)) for row in lazy._rows]


@pytest.fixture
def pets(tmp_path):
    return survey(write_tree(tmp_path / "pets", classes({"cat": 30, "dog": 20, "eel": 10})))


def test_images_are_decoded_as_the_model_takes_them(tmp_path):
    pixels = [picture(i, 9 + i, 12, 3) for i in range(4)]
    files = {f"{i}.png": encoded(image) for i, image in enumerate(pixels)}
    train, held = prepare(survey(write_tree(tmp_path, files)), 8, 8, 1, Fit("pad"), None, 0.0)
    assert held is None
    assert train.labels is None
    assert train.images.shape == (4, 8, 8, 1)
    assert len(train.images) == 4
    wanted = np.stack([fit_image(image, 8, 8, 1, Fit("pad")) for image in pixels])
    np.testing.assert_array_equal(np.asarray(train.images), wanted)
    np.testing.assert_array_equal(train.images[np.array([3, 1, 3])], wanted[[3, 1, 3]])
    np.testing.assert_array_equal(train.images[1:3], wanted[1:3])
    np.testing.assert_array_equal(train.images[2], wanted[2])
    np.testing.assert_array_equal(train.images[-1], wanted[-1])
    np.testing.assert_array_equal(train.images[np.arange(4) > 1], wanted[2:])
    with pytest.raises(IndexError):
        train.images[4]


def test_classes_are_mapped_and_others_left_out(pets):
    train, _ = prepare(pets, 6, 5, 1, FIT, {"dog": 7, "cat": 2}, 0.0)
    assert train.names is None
    assert np.bincount(train.labels, minlength=8).tolist() == [0, 0, 30, 0, 0, 0, 0, 20]
    for name, label in zip(names_of(pets, train), train.labels, strict=True):
        assert {"cat": 2, "dog": 7}[name.partition("/")[0]] == label


def test_without_a_mapping_the_data_has_its_own_labels(pets):
    train, _ = prepare(pets, 6, 5, 1, FIT, None, 0.0)
    assert train.names == ("cat", "dog", "eel")
    assert np.bincount(train.labels).tolist() == [30, 20, 10]


def test_labels_that_are_numbers_stay_these_numbers(tmp_path):
    images = np.stack([picture(i) for i in range(4)])
    np.savez(tmp_path / "d.npz", images=images, labels=[7, 3, 7, 9])
    found = survey(tmp_path / "d.npz")
    train, _ = prepare(found, 6, 5, 1, FIT, None, 0.0)
    assert train.labels.tolist() == [7, 3, 7, 9]
    assert train.images is found.items.train.images  # nothing to fit: the very array
    mapped, _ = prepare(found, 6, 5, 1, FIT, {"3": 0, "9": 1}, 0.0)
    assert mapped.labels.tolist() == [0, 1]
    np.testing.assert_array_equal(np.asarray(mapped.images), images[[1, 3]])


def test_a_flat_folder_is_of_one_class(tmp_path):
    found = survey(write_tree(tmp_path, {f"{i}.png": encoded(picture(i)) for i in range(3)}))
    train, _ = prepare(found, 6, 5, 1, FIT, {"": 4}, 0.0)
    assert train.labels.tolist() == [4, 4, 4]


def test_nothing_to_train_on_is_told(pets):
    with pytest.raises(DataError, match="no image of a class that is trained on"):
        prepare(pets, 6, 5, 1, FIT, {}, 0.0)


# The split


@settings(max_examples=40, deadline=None)
@given(
    st.sets(st.integers(0, 59), min_size=2),
    st.floats(0.05, 0.9),
    st.floats(0.05, 0.9),
    st.randoms(use_true_random=False),
)
def test_an_image_is_always_on_the_same_side(tmp_path_factory, chosen, share, other, order):
    """Whatever else is in the data, wherever it lies, and more of them as the share grows."""
    folder = tmp_path_factory.mktemp("data")
    places = list(chosen)
    order.shuffle(places)
    files = {f"{order.choice('ab')}/{n}.png": encoded(picture(i)) for n, i in enumerate(places)}
    files["a/twin.png"] = files[next(iter(files))]
    found = survey(write_tree(folder, files))

    def held(of, validation):
        try:
            part = prepare(of, 6, 5, 1, FIT, None, validation)[1]
        except DataError:  # all of them
            return {of.items.pixels(int(row)).tobytes() for row in of.rows}
        return set() if part is None else {image.tobytes() for image in np.asarray(part.images)}

    alone = {
        image.tobytes()
        for image in (picture(i) for i in chosen)
        if EVERYWHERE[image.tobytes()] < share
    }
    assert held(found, share) == alone
    small, large = sorted((share, other))
    assert held(found, small) <= held(found, large)


def _shares():
    """Where the hash of each test image's file lies, computed by other means."""
    import hashlib

    result = {}
    for i in range(60):
        digest = hashlib.blake2b(encoded(picture(i)), digest_size=16).hexdigest()
        result[picture(i).tobytes()] = int(digest[:16], 16) / 2**64
    return result


EVERYWHERE = _shares()


def test_equal_images_are_never_on_both_sides(tmp_path):
    files = {f"{n}/{i}.png": encoded(picture(i)) for n in range(3) for i in range(60)}
    found = survey(write_tree(tmp_path, files))
    train, held = prepare(found, 6, 5, 1, FIT, None, 0.3)
    sides = [{image.tobytes() for image in np.asarray(part.images)} for part in (train, held)]
    assert not sides[0] & sides[1]
    assert len(train.images) + len(held.images) == 180
    assert len(held.images) == pytest.approx(54, abs=30)


def test_counts_are_those_of_the_split(pets):
    for share in (0.0, 0.2, 0.5):
        for mapping in (None, {"cat": 0, "eel": 1}):
            train, held = prepare(pets, 6, 5, 1, FIT, mapping, share)
            counts = split_counts(pets, mapping, share)
            assert counts == (len(train.images), 0 if held is None else len(held.images), True)


def test_counts_are_estimated_where_not_all_is_hashed(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset_survey, "HASHED_S", -1.0)
    found = survey(write_tree(tmp_path, classes({"a": 40})))
    assert split_counts(found, None, 0.25) == (30, 10, False)
    train, held = prepare(found, 6, 5, 1, FIT, None, 0.25)
    assert split_counts(found, None, 0.25) == (len(train.images), len(held.images), True)


def test_a_test_split_of_its_own_is_what_is_checked_on(tmp_path):
    files = {f"train/{k}": v for k, v in classes({"a": 5}).items()}
    files |= {f"test/{k}": encoded(picture(900 + i)) for i, k in enumerate(classes({"a": 3}))}
    found = survey(write_tree(tmp_path, files))
    train, held = prepare(found, 6, 5, 1, FIT, {"a": 0}, 0.5)
    assert (len(train.images), len(held.images)) == (5, 3)
    assert split_counts(found, {"a": 0}, 0.5) == (5, 3, True)
    assert prepare(found, 6, 5, 1, FIT, {"a": 0}, 0.0)[1] is None


def test_a_share_of_all_is_told(tmp_path):
    found = survey(write_tree(tmp_path, classes({"a": 2})))
    with pytest.raises(DataError, match="smaller share"):
        prepare(found, 6, 5, 1, FIT, None, 1.0)


# Memory, damage, files that vanish


def test_only_so_much_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset_lazy, "CACHE_BYTES", 3 * 6 * 5)
    found = survey(write_tree(tmp_path, classes({"a": 8})))
    train, _ = prepare(found, 6, 5, 1, FIT, None, 0.0)
    decoded = []
    real = found.items.pixels
    monkeypatch.setattr(found.items, "pixels", lambda row, near: decoded.append(row) or real(row))
    first, again = np.asarray(train.images), np.asarray(train.images)
    np.testing.assert_array_equal(first, again)
    assert len(decoded) == 8 + 5
    assert train.images._kept.nbytes == 3 * 6 * 5


def test_memory_is_asked_for_before_all_is_read(pets, monkeypatch):
    monkeypatch.setattr(dataset_lazy, "MAX_BYTES", 100)
    train, _ = prepare(pets, 6, 5, 1, FIT, None, 0.0)
    assert train.images[:2].shape == (2, 6, 5, 1)
    with pytest.raises(DataError, match="GiB"):
        np.asarray(train.images)


def test_a_file_that_is_gone_is_named(tmp_path):
    folder = write_tree(tmp_path, classes({"a": 3}))
    train, _ = prepare(survey(folder), 6, 5, 1, FIT, None, 0.0)
    np.asarray(train.images[:1])
    (folder / "a" / "0.png").unlink()
    (folder / "a" / "1.png").unlink()
    assert train.images[0].any()  # was kept
    with pytest.raises(DataError, match=r"can no longer be read: a/1\.png does not exist"):
        train.images[np.array([1])]


@pytest.mark.allow_log("WARNING")
def test_an_image_found_damaged_late_is_replaced_by_one_of_its_class(tmp_path, caplog):
    folder = write_tree(tmp_path, classes({"a": 3, "b": 3}))
    found = survey(folder)
    train, _ = prepare(found, 6, 5, 1, FIT, None, 0.0)
    (folder / "a" / "2.png").write_bytes(b"no image any more")
    np.testing.assert_array_equal(train.images[2], picture(0))
    assert train.images.replaced == {"a/2.png": "is not an image that can be read"}
    np.asarray(train.images[[2, 2]])
    assert caplog.text.count("a/2.png is not an image") == 1
    for i in range(3):
        (folder / "b" / f"{i}.png").write_bytes(b"")
    with pytest.raises(DataError, match="None of the images of a class"):
        train.images[4]
