"""The other ways in which a file may be meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from genviewer.io.readers.alternatives import alternatives, resolved, setting_text
from genviewer.io.readers.table import open_foreign
from tests.io.readers.tiny_generators import VAE, made, save

if TYPE_CHECKING:
    from pathlib import Path

    from genviewer.io.bundle import Bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return open_foreign(save(made(VAE), tmp_path / "faces.pt"), {})


def test_each_value_of_a_field_is_a_model_of_its_own(bundle: Bundle) -> None:
    found = list(alternatives(bundle, fields=["final"]))
    assert [one.chosen for one in found] == [True] + [False] * (len(found) - 1)
    assert {one.value for one in found} == {"sigmoid", "tanh", "none"}
    assert len({one.bundle.model_id for one in found}) == 3
    assert len({one.bundle.weights_sha256 for one in found}) == 1
    for one in found[1:]:
        assert dict(one.bundle.settings)["final"] == one.value


def test_only_what_is_unsure_is_varied(bundle: Bundle) -> None:
    assert list(alternatives(bundle, unsure=0.0)) == []
    varied = {one.field for one in alternatives(bundle, unsure=1.1)}
    assert "final" in varied
    assert "range" not in varied


def test_settings_that_say_everything_open_the_same_model(bundle: Bundle) -> None:
    again = open_foreign(bundle.path, resolved(bundle))
    assert again.model_id == bundle.model_id
    assert again.config.assumptions == ()


@pytest.mark.parametrize(
    ("value", "text"), [([-1.0, 1.0], "-1,1"), (1e-5, "1e-05"), ("relu", "relu"), (10, "10")]
)
def test_values_as_they_are_told(value: object, text: str) -> None:
    assert setting_text(value) == text
