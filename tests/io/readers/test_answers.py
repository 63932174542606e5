from genviewer.io.readers import answers
from genviewer.io.readers.answers import Answers


def test_answers_are_kept_by_hash_and_can_be_taken_back(tmp_path):
    store = Answers(tmp_path / "new" / "answers.json")
    assert store.of("a") == {}
    store.remember("a", {"activation": "relu"})
    store.remember("b", {"prior": "uniform"})
    again = Answers(tmp_path / "new" / "answers.json")
    assert again.of("a") == {"activation": "relu"}
    again.remember("a", {})
    assert again.of("a") == {}
    assert store.of("b") == {"prior": "uniform"}


def test_a_damaged_store_knows_nothing_and_is_written_anew(tmp_path):
    path = tmp_path / "answers.json"
    for text in ("[1, 2]", '{"a": {"b": 3}}', "{", "[" * 100_000):
        path.write_text(text)
        assert Answers(path).of("a") == {}
    Answers(path).remember("a", {"range": "0,1"})
    assert Answers(path).of("a") == {"range": "0,1"}


def test_the_oldest_go_first(tmp_path, monkeypatch):
    monkeypatch.setattr(answers, "MAX_ANSWERS", 2)
    store = Answers(tmp_path / "answers.json")
    for name in "abc":
        store.remember(name, {"prior": name})
    assert [bool(store.of(name)) for name in "abc"] == [False, True, True]
