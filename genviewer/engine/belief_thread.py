"""Asks a model about the newest image, in a thread of its own.

There is no queue: a mailbox holds one question, and a newer one takes its place. The first answer
to a question that has been taken always comes out, so that a hand which draws without rest still
sees the bars move; what would refine it gives way to the newer question.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genviewer.core.frame import Failure
from genviewer.engine.generator import DecodeError, LoadError

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.engine.generator import Generator
    from genviewer.engine.image_beliefs import Answer, ImageBeliefs, Question
    from genviewer.io.bundle import Bundle

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class _Asked:
    bundle: Bundle
    generator: Generator
    question: Question


class BeliefThread:
    """Answers the newest question. ``ask`` and ``take`` may be called from any thread.

    Args:
        on_answer: called in the thread when the slot was empty and holds an answer now.
    """

    def __init__(self, on_answer: Callable[[], None]) -> None:
        self._on_answer = on_answer
        self._condition = threading.Condition()
        self._asked: _Asked | None = None
        self._slot: Answer | Failure | None = None
        self._mind: ImageBeliefs | None = None  # of the thread alone
        self._stopping = False
        self.answered = 0
        self._thread = threading.Thread(target=self._run, name="genviewer-beliefs", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        with self._condition:
            self._stopping = True
            self._asked = None
            self._condition.notify()
        if self._thread.is_alive():
            self._thread.join()

    def ask(self, bundle: Bundle, generator: Generator, question: Question) -> None:
        """Put a question into the mailbox; one that waits there is forgotten."""
        with self._condition:
            self._asked = _Asked(bundle, generator, question)
            self._condition.notify()

    def take(self) -> Answer | Failure | None:
        """The newest answer that was not taken yet, or a Failure in its place."""
        with self._condition:
            answer, self._slot = self._slot, None
            return answer

    def _run(self) -> None:
        while True:
            with self._condition:
                while self._asked is None and not self._stopping:
                    self._condition.wait()
                if self._stopping or self._asked is None:
                    return
                asked, self._asked = self._asked, None
            self._answer(asked)

    def _answer(self, asked: _Asked) -> None:
        ref = asked.bundle.ref
        try:
            for answer in self._mind_of(asked).answers(asked.question):
                self._publish(answer)
                if self._asked is not None or self._stopping:
                    return
        except (LoadError, DecodeError, ValueError) as error:
            self._publish(Failure(str(error), ref))
        except Exception:  # the thread outlives a model's mistake, and says so
            _log.exception("%s could not be asked about an image.", ref.name)
            self._publish(Failure(f"{ref.name} fails when it is asked about an image.", ref))

    def _mind_of(self, asked: _Asked) -> ImageBeliefs:
        """The model, ready to be asked; one is kept. torch is imported here, not with the window.

        Raises:
            LoadError: it cannot be asked.
        """
        from genviewer.engine.image_beliefs import ImageBeliefs
        from genviewer.engine.torch_decoder import use_threads

        use_threads(1)  # beside what draws, more threads would only wait for each other
        known = self._mind
        if known is not None and known.bundle is asked.bundle:
            return known
        self._mind = None  # two models need not be in memory at once
        # A network that was built is filled again: while it is trained its weights change often.
        live = asked.bundle.arrays is not None
        if known is None or not (live and known.take_weights(asked.bundle, asked.generator)):
            del known
            known = ImageBeliefs(asked.bundle, asked.generator)
        self._mind = known
        return known

    def _publish(self, answer: Answer | Failure) -> None:
        with self._condition:
            was_empty, self._slot = self._slot is None, answer
            self.answered += 1
        if was_empty:
            self._on_answer()
