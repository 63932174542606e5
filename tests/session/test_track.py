"""Keyframes of a session: kept in order, of one model, in the file."""

import msgspec
import numpy as np
import pytest

from genviewer.core.keyframes import Keyframe
from genviewer.core.latent import Latent
from genviewer.core.recipe import ModelRef, seeded_recipe
from genviewer.core.scene import Pane
from genviewer.session.state import load_state, save_state
from genviewer.session.track import Track, TrackError

REF = ModelRef("digits", "id-1")


def pane(spec, seed, ref=REF):
    return Pane(ref, seeded_recipe(spec, seed))


@pytest.fixture
def track(spec):
    made = Track()
    for seed in range(3):
        made = made.with_added(pane(spec, seed), bytes([seed]))
    return made


def test_keyframes_keep_their_pictures_when_they_move_and_go(track):
    assert track.moved(0, 2).thumbnails == (b"\x01", b"\x02", b"\x00")
    assert track.moved(2, -5).thumbnails == (b"\x02", b"\x00", b"\x01")
    assert track.without(1).thumbnails == (b"\x00", b"\x02")
    moved = track.moved(0, 2)
    assert [k.recipe for k in moved.keyframes] == [track.keyframes[i].recipe for i in (1, 2, 0)]


def test_a_new_one_takes_the_pace_of_the_one_before_it(track, spec):
    slow = msgspec.structs.replace(track.keyframes[0], seconds=3.0)
    inserted = track.with_keyframe(0, slow).with_added(pane(spec, 9), b"9", 1)
    assert [k.seconds for k in inserted.keyframes] == [3.0, 3.0, 1.0, 1.0]
    assert inserted.seconds == 7.0
    assert msgspec.structs.replace(inserted, loop=True).seconds == 8.0


def test_all_are_of_one_model_and_one_space(track, spec):
    with pytest.raises(TrackError, match="of digits"):
        track.with_added(pane(spec, 1, ModelRef("other", "id-2")), b"")
    other = Pane(REF, msgspec.structs.replace(seeded_recipe(spec, 0), latent=Latent(np.zeros(9))))
    with pytest.raises(TrackError, match="same latent space"):
        track.with_added(other, b"")
    emptied = track.without(0).without(0).without(0)
    assert emptied.model is None
    assert emptied.with_added(other, b"x").model == REF


def test_a_file_whose_parts_do_not_fit_gives_an_empty_track(track, spec):
    assert track.checked() is track
    assert msgspec.structs.replace(track, thumbnails=()).checked() == Track()
    wide = Keyframe(msgspec.structs.replace(seeded_recipe(spec, 0), latent=Latent(np.zeros(9))))
    assert track.with_keyframe(1, wide).checked() == Track()


def test_they_are_kept_with_the_session(session, track, tmp_path):
    seen = []
    session.track_changed.connect(seen.append)
    session.set_track(track)
    session.set_track(track)
    session.model_paths[REF.id] = "here"
    assert seen == [track]
    save_state(tmp_path / "s.json", session.state())
    state = load_state(tmp_path / "s.json")
    assert state.track == track
    session.set_track(Track())
    session.restore(state)
    assert session.track == track
