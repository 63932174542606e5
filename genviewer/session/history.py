"""Undo and redo over Scenes. A drag, which shares one merge key, is one step."""

from __future__ import annotations

from collections import deque
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from genviewer.core.scene import Scene


class History:
    """The Scenes before and after the current one.

    Args:
        scene: the current Scene at the start.
        limit: how many steps back are kept.
    """

    def __init__(self, scene: Scene, limit: int = 500) -> None:
        self.scene = scene
        self._back: deque[Scene] = deque(maxlen=max(1, limit))
        self._forward: list[Scene] = []
        self._key: Hashable | None = None

    def edit(self, scene: Scene, key: Hashable | None = None) -> bool:
        """Make ``scene`` the current one; False (and nothing happens) if it already is.

        Edits in a row with the same ``key`` are one step; ``None`` always starts a new one.
        """
        if scene == self.scene:
            return False
        if key is None or key != self._key:
            self._back.append(self.scene)
        self._key = key
        self._forward.clear()
        self.scene = scene
        return True

    def amend(self, scene: Scene) -> bool:
        """Replace the current Scene within its step; False if it already is that."""
        if scene == self.scene:
            return False
        self.scene = scene
        return True

    def rewrite(self, change: Callable[[Scene], Scene]) -> bool:
        """Put ``change`` of every Scene in its place; steps that no longer change anything are
        gone. False if the current Scene stays the same.
        """
        now = change(self.scene)
        back = [scene for scene, _ in groupby(map(change, self._back))]
        forward = [scene for scene, _ in groupby(map(change, self._forward))]
        for steps in (back, forward):
            if steps and steps[-1] == now:
                steps.pop()
        self._back, self._forward = deque(back, maxlen=self._back.maxlen), forward
        return self.amend(now)

    def undo(self) -> bool:
        """Go one step back; False if there is none."""
        if not self._back:
            return False
        self._forward.append(self.scene)
        self.scene = self._back.pop()
        self._key = None
        return True

    def redo(self) -> bool:
        """Take back one undo; False if there is none."""
        if not self._forward:
            return False
        self._back.append(self.scene)
        self.scene = self._forward.pop()
        self._key = None
        return True

    def end_step(self) -> None:
        """The next edit starts a new step, whatever its key."""
        self._key = None

    def limit_to(self, steps: int) -> None:
        """Keep at most that many steps back, the newest ones."""
        self._back = deque(self._back, maxlen=max(1, steps))

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to go back."""
        return bool(self._back)

    @property
    def can_redo(self) -> bool:
        """Whether there is an undo to take back."""
        return bool(self._forward)
