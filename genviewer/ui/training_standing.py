"""How a training stands, as the panel says it, from its news: also what can be done about trouble,
in plain words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genviewer.engine.training_news import ENDED
from genviewer.ui.widgets.training_panel import Standing, stands_at

if TYPE_CHECKING:
    from genviewer.engine.training_news import News

STOPPING = "It ends after this step."
DISCARDING = "It is put aside."
KEEPING = "It is written as a model."
AT_THE_END = "Keep it, or discard it."


def advice_on(news: News, *, asked: bool) -> str:
    """What can be done about trouble; empty where there is none.

    Args:
        news: how the run goes.
        asked: whether a pause is what the person wanted.
    """
    if news.state == "paused" and not asked:
        return "Put that right and press Resume."
    if news.state != "failed":
        return ""
    if news.diverged:
        return (
            "Resume goes on from there with a tenth of the learning rate. Or discard the run, "
            "choose otherwise under How, and start again."
        )
    return "Put that right and press Resume, or discard the run."


def standing_of(news: News, before: Standing, *, asked: bool) -> Standing:
    """How the run stands now, of which there is news; ``asked`` as in :func:`advice_on`."""
    stopping = before.state == "stopping" and news.state not in ENDED
    return Standing(
        "stopping" if stopping else news.state,
        _step(news, before.step),
        news.steps or before.steps,
        news.rate,
        news.remaining,
        STOPPING if stopping else _sentence(news),
        "" if stopping else advice_on(news, asked=asked),
        model=before.model or news.snapshot is not None,
    )


def standing_on_disk(step: int, steps: int, *, model: bool) -> Standing:
    """How a run stands that nobody trains; ``model`` is whether there are weights of it."""
    done = step >= steps
    told = f"It is done. {AT_THE_END}" if done else stands_at(step, steps)
    return Standing("finished" if done else "stopped", step, steps, sentence=told, model=model)


def _step(news: News, before: int) -> int:
    """From which step the run goes on; where it did not begin, as before."""
    if news.state == "starting" or not news.steps:
        return before
    resumed = news.state in ("stopped", "failed") and news.saved_step >= 0
    return news.saved_step if resumed else news.step


def _sentence(news: News) -> str:
    return f"{news.sentence} {AT_THE_END}" if news.state == "finished" else news.sentence
