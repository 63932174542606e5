"""The other ways in which a file may be meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from genviewer.io.readers.alternatives import asked, resolved, setting_text, variant
from genviewer.io.readers.table import open_foreign
from tests.io.readers.tiny_generators import VAE, made, save

if TYPE_CHECKING:
    from pathlib import Path

    from genviewer.io.bundle import Bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return open_foreign(save(made(VAE), tmp_path / "faces.pt"), {})


def test_each_value_of_a_field_is_a_model_of_its_own(bundle: Bundle) -> None:
    (question,) = [one for one in asked(bundle, 1.1) if one.field == "final"]
    assert {question.value, *question.alternatives} == {"sigmoid", "tanh", "none"}
    others = [value for value in question.alternatives if value != question.value]
    found = [variant(bundle, "final", value) for value in others]
    assert len({bundle.model_id, *(one.model_id for one in found)}) == 3
    assert {one.weights_sha256 for one in found} == {bundle.weights_sha256}
    for one, value in zip(found, others, strict=True):
        assert dict(one.settings)["final"] == value
        assert one.config.assumptions == ()  # nothing is guessed, so nothing is tried, again


def test_only_what_is_unsure_is_asked(bundle: Bundle) -> None:
    assert asked(bundle, 0.0) == ()
    every = asked(bundle, 1.1)
    assert "final" in {one.field for one in every}
    assert "range" not in {one.field for one in every}
    assert [one.confidence for one in every] == sorted(one.confidence for one in every)


def test_settings_that_say_everything_open_the_same_model(bundle: Bundle) -> None:
    again = open_foreign(bundle.path, resolved(bundle))
    assert again.model_id == bundle.model_id
    assert again.config.assumptions == ()


@pytest.mark.parametrize(
    ("value", "text"), [([-1.0, 1.0], "-1,1"), (1e-5, "1e-05"), ("relu", "relu"), (10, "10")]
)
def test_values_as_they_are_told(value: object, text: str) -> None:
    assert setting_text(value) == text
