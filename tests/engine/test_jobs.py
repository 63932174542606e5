"""The job lane: one at a time, cancellable, replaceable, never silent."""

from __future__ import annotations

import sys
import threading
from queue import Queue

import pytest

from genviewer.engine.jobs import JobLane, Progress

WAIT_S = 10


@pytest.fixture
def lane():
    lane = JobLane()
    lane.start()
    yield lane
    lane.stop()


class Log:
    """What a lane says, in order."""

    def __init__(self) -> None:
        self.said: Queue = Queue()

    def callbacks(self, name) -> dict:
        return {
            "on_done": lambda result: self.said.put((name, "done", result)),
            "on_failed": lambda error: self.said.put((name, "failed", error)),
            "on_cancelled": lambda: self.said.put((name, "cancelled", None)),
        }

    def next(self):
        return self.said.get(timeout=WAIT_S)


@pytest.fixture
def log() -> Log:
    return Log()


def endless(started: threading.Event):
    def run(progress: Progress) -> None:
        started.set()
        while True:
            progress.check()
            threading.Event().wait(0.002)

    return run


def test_jobs_run_in_order_in_one_other_thread(lane, log):
    threads = []

    def job(k):
        def run(progress):
            threads.append(threading.current_thread())
            return k * k

        return run

    for k in range(5):
        lane.submit(job(k), f"job {k}", **log.callbacks(k))
    assert [log.next() for _ in range(5)] == [(k, "done", k * k) for k in range(5)]
    assert len(set(threads)) == 1
    assert threads[0] is not threading.current_thread()


def test_a_failure_is_told_and_the_lane_goes_on(lane, log):
    lane.submit(lambda progress: 1 / 0, "bad", **log.callbacks("bad"))
    lane.submit(lambda progress: "fine", "good", **log.callbacks("good"))
    name, what, error = log.next()
    assert (name, what) == ("bad", "failed")
    assert isinstance(error, ZeroDivisionError)
    assert log.next() == ("good", "done", "fine")


@pytest.mark.allow_log("ERROR")
def test_a_failure_that_nobody_listens_for_is_logged(lane, log, caplog):
    lane.submit(lambda progress: 1 / 0, "lonely")
    lane.submit(lambda progress: None, "next", **log.callbacks("next"))
    log.next()
    assert "'lonely' failed" in caplog.text


@pytest.mark.allow_log("ERROR")
def test_a_callback_that_fails_does_not_end_the_lane(lane, log, caplog):
    lane.submit(lambda progress: 1, "odd", on_done=lambda result: [][result])
    lane.submit(lambda progress: 2, "next", **log.callbacks("next"))
    assert log.next() == ("next", "done", 2)
    assert "callback of the job 'odd'" in caplog.text


def test_a_running_job_is_cancelled_between_steps(lane, log):
    started = threading.Event()
    job = lane.submit(endless(started), "endless", **log.callbacks("endless"))
    assert started.wait(WAIT_S)
    assert job.state == "running"
    job.cancel()
    assert log.next() == ("endless", "cancelled", None)
    assert job.state == "cancelled"


def test_a_waiting_job_that_is_cancelled_never_runs(lane, log):
    started, ran = threading.Event(), []
    first = lane.submit(endless(started), "first", **log.callbacks("first"))
    second = lane.submit(ran.append, "second", **log.callbacks("second"))
    second.cancel()
    first.cancel()
    assert [log.next()[:2] for _ in range(2)] == [("first", "cancelled"), ("second", "cancelled")]
    assert not ran


def test_a_job_replaces_those_of_its_key_and_no_others(lane, log):
    started = threading.Event()
    lane.submit(endless(started), "a1", key="a", **log.callbacks("a1"))
    lane.submit(lambda progress: 2, "a2", key="a", **log.callbacks("a2"))
    lane.submit(lambda progress: 3, "b", key="b", **log.callbacks("b"))
    lane.submit(lambda progress: 4, "a3", key="a", **log.callbacks("a3"))
    assert [log.next()[:2] for _ in range(4)] == [
        ("a1", "cancelled"),
        ("a2", "cancelled"),
        ("b", "done"),
        ("a3", "done"),
    ]


def test_progress_is_told_within_bounds(lane, log):
    told = []

    def run(progress):
        for fraction in (-1.0, 0.5, 7.0):
            progress.report(fraction, "working")

    lane.submit(run, "job", on_progress=lambda f, text: told.append((f, text)), **log.callbacks(0))
    log.next()
    assert told == [(0.0, "working"), (0.5, "working"), (1.0, "working")]


def test_a_result_that_comes_after_the_cancel_is_not_delivered(lane, log):
    gate, started = threading.Event(), threading.Event()

    def run(progress):
        started.set()
        gate.wait(WAIT_S)
        return "late"

    job = lane.submit(run, "late", **log.callbacks("late"))
    started.wait(WAIT_S)
    job.cancel()
    gate.set()
    assert log.next() == ("late", "cancelled", None)


def test_stop_cancels_what_runs_and_what_waits(log):
    lane = JobLane()
    lane.start()
    started = threading.Event()
    lane.submit(endless(started), "running", **log.callbacks("running"))
    lane.submit(endless(threading.Event()), "waiting", **log.callbacks("waiting"))
    assert started.wait(WAIT_S)
    lane.stop()
    assert [log.next()[:2] for _ in range(2)] == [
        ("running", "cancelled"),
        ("waiting", "cancelled"),
    ]
    with pytest.raises(RuntimeError, match="stopped"):
        lane.submit(lambda progress: None, "too late")


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a priority of their own on Linux")
def test_the_lane_has_a_lower_priority_than_the_program(lane, log):
    import os

    def niceness(progress=None):
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    lane.submit(niceness, "niceness", **log.callbacks("lane"))
    assert log.next()[2] >= min(19, niceness() + 10)
