"""Figures and their targets."""

import time

import msgspec
import pytest

from genviewer.bench.results import at_least, at_most, machine, medians, seconds_of, within


def test_a_ratio_meets_its_target_or_does_not():
    assert at_least("a", "m", 1.0, "ms", 2.0, 2.0, 1.3).met
    assert not at_least("a", "m", 1.0, "ms", 1.2, 1.2, 1.3).met
    assert at_most("a", "m", 1.0, "ms", 1.0, 1.4, 1.4).met
    assert not at_most("a", "m", 1.0, "ms", 1.0, 1.41, 1.4).met


def test_a_value_meets_its_limit_or_does_not():
    result = within("a", "m", 18.0, "ms", 17.9, 2.0)
    assert not result.met
    assert result.ratio == 9.0
    assert result.target == "<= 17.9 ms"
    assert within("a", "m", 18.0, "ms", 18.0).ratio is None


def test_medians_tell_the_slow_from_the_fast():
    fast, slow = medians(lambda: None, lambda: time.sleep(0.01), repeats=3)
    assert fast < 0.001 < 0.009 < slow


def test_a_long_call_is_made_once():
    calls = []
    taken = seconds_of(lambda: calls.append(time.sleep(0.03)))
    assert len(calls) == 1
    assert taken >= 0.03


def test_the_machine_is_described_in_json():
    described = msgspec.json.decode(msgspec.json.encode(machine()))
    assert described["cores"] >= 1
    assert described["devices"]


def test_unknown_benchmarks_are_refused_before_anything_runs():
    from genviewer.bench import run

    with pytest.raises(ValueError, match="no benchmark 'speed'"):
        run(["forward", "speed"])
