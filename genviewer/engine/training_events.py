"""What a run tells while it goes on, one value after the other. Imports no torch."""

from __future__ import annotations

import msgspec


class Stepped(msgspec.Struct, frozen=True):
    """An optimizer step was taken: the step count after it, its losses, and images it saw."""

    step: int
    losses: dict[str, float]
    samples: int


class Saved(msgspec.Struct, frozen=True):
    """A checkpoint from which the run can be resumed is on the disk."""

    step: int


class OnTimeline(msgspec.Struct, frozen=True):
    """The weights of a step are on the timeline."""

    step: int


class Notice(msgspec.Struct, frozen=True):
    """Something to tell a person; the run goes on."""

    sentence: str


class Ended(msgspec.Struct, frozen=True):
    """The last event: all steps were taken and the bundle is written, or why there are no more.

    ``diverged`` tells that a loss, a gradient or a weight was no number any more.
    """

    sentence: str
    finished: bool
    diverged: bool = False


Event = Stepped | Saved | OnTimeline | Notice | Ended
