import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genviewer.session.preferences import (
    PREFERENCES,
    ROWS,
    Preferences,
    defaults,
    preferences_file,
)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def test_every_default_is_valid_and_every_key_is_used_once():
    assert all(row.valid(row.default) == row.default for row in PREFERENCES)
    assert len(ROWS) == len(PREFERENCES)
    assert all(row.help.endswith(".") for row in PREFERENCES)


def test_without_a_file_everything_is_at_its_default(own_user_folders):
    assert Preferences.load().values == defaults()
    assert own_user_folders in preferences_file().parents


def test_what_was_set_is_there_at_the_next_start():
    preferences = Preferences.load()
    preferences.set("theme", "dark")
    preferences.set("history_length", 99)
    preferences.set("smooth_zoom", True)
    preferences.save()
    again = Preferences.load()
    assert again.values == {
        **defaults(),
        "theme": "dark",
        "history_length": 99,
        "smooth_zoom": True,
    }
    assert set(json.loads(again.path.read_text())) == {"theme", "history_length", "smooth_zoom"}


@pytest.mark.parametrize(
    ("key", "value"),
    [("theme", "pink"), ("theme", 1), ("smooth_zoom", 1), ("history_length", 2.5),
     ("history_length", 0), ("history_length", True), ("history_length", float("nan"))],
)  # fmt: skip
def test_refuses_what_a_setting_cannot_be(key, value):
    preferences = Preferences.load()
    with pytest.raises(ValueError, match=key):
        preferences.set(key, value)
    assert preferences.values == defaults()


def test_refuses_unknown_settings():
    with pytest.raises(KeyError):
        Preferences.load().set("no_such_thing", 1)


def test_bad_values_in_the_file_become_defaults_and_unknown_ones_are_kept(tmp_path):
    path = tmp_path / "p.json"
    path.write_text(json.dumps({"theme": 7, "smooth_zoom": True, "from_the_future": [1]}))
    preferences = Preferences.load(path)
    assert preferences.values == {**defaults(), "smooth_zoom": True}
    preferences.save()
    assert json.loads(path.read_text()) == {"smooth_zoom": True, "from_the_future": [1]}


@pytest.mark.allow_log("WARNING")
@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\x00", b"null", b"[" * 100_000])
def test_a_damaged_file_is_kept_aside(tmp_path, caplog, content):
    path = tmp_path / "p.json"
    path.write_bytes(content)
    assert Preferences.load(path).values == defaults()
    assert not path.exists()
    (aside,) = tmp_path.glob("*.damaged*")
    assert aside.read_bytes() == content
    assert aside.name in caplog.text


@given(st.dictionaries(st.sampled_from([*ROWS, "other"]), anything))
def test_whatever_the_file_says_the_values_fit(tmp_path_factory, stored):
    path = tmp_path_factory.mktemp("p") / "p.json"
    path.write_text(json.dumps(stored).replace("NaN", "0").replace("Infinity", "1"))
    values = Preferences.load(path).values
    assert set(values) == set(ROWS)
    assert all(ROWS[key].valid(value) is not None for key, value in values.items())
