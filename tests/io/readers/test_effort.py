"""Self-tests are bounded, and stop when opening is cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from genviewer.io.cancelling import cancelled_by
from genviewer.io.readers.table import open_foreign
from genviewer.io.readers.trial import Effort, moments, multiplications
from genviewer.nets.chain_steps import Conv, Linear
from tests.io.readers.tiny_generators import Unfolding, made, save

if TYPE_CHECKING:
    from pathlib import Path


class Stop(Exception):  # noqa: N818
    pass


class After:
    """Cancels at the given check."""

    def __init__(self, count: int) -> None:
        self.count = count

    def check(self) -> None:
        self.count -= 1
        if self.count < 0:
            raise Stop


@pytest.mark.parametrize("count", [0, 3, 40])
def test_opening_can_be_cancelled_at_any_time(tmp_path: Path, count: int) -> None:
    path = save(made(lambda: Unfolding(nn.ReLU())), tmp_path / "weights.pt")
    with pytest.raises(Stop), cancelled_by(After(count)):
        open_foreign(path, {})


def test_little_effort_opens_with_less_confidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(made(lambda: Unfolding(nn.ReLU())), tmp_path / "weights.pt")
    full = open_foreign(path, {}).config.assumptions
    monkeypatch.setattr(Effort.__init__, "__defaults__", (1e6,))
    short = open_foreign(path, {}).config.assumptions
    assert [a.field for a in short] == [a.field for a in full]
    assert all(a.confidence <= 0.8 for a in short)
    assert max(a.confidence for a in full) > 0.9


def test_work_is_that_of_the_multiplications() -> None:
    assert multiplications(Linear("a", 30, 50, True), (30,)) == 30 * 50 + 16 * 30
    conv = Conv("b", 8, 4, (3, 3), (1, 1), (1, 1), transposed=False, bias=True)
    assert multiplications(conv, (8, 10, 10)) == 8 * 4 * 9 * 100 + 16 * 800


@pytest.mark.parametrize("last", [False, True])
def test_moments_are_means_and_variances(last: bool) -> None:
    x = torch.randn(6, 5, 7, 9) * 3 + 1
    x = x.contiguous(memory_format=torch.channels_last) if last else x
    mean, var = moments(x)
    torch.testing.assert_close(mean, x.mean((0, 2, 3)), atol=1e-4, rtol=0)
    torch.testing.assert_close(var, x.var((0, 2, 3), correction=0), atol=1e-3, rtol=0)
