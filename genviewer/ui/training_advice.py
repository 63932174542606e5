"""What can be done about a training that went wrong, or has come to its end, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genviewer.engine.training_news import News

_NOT_FINITE = "not finite"
"""What every sentence on a loss, gradient or weight says that is no number."""

AT_THE_END = "Keep it as a model of its own, or discard it."


def diverged(news: News) -> bool:
    """Whether the run failed because something was no number any more: the same steps at the same
    rate would end the same way.
    """
    return news.state == "failed" and _NOT_FINITE in news.sentence


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
    if diverged(news):
        return (
            "Resume goes on from there with a tenth of the learning rate. Or discard the run, "
            "choose otherwise under How, and start again."
        )
    return "Put that right and press Resume, or discard the run."
