"""The keyframes of a session: a timeline of one model's samples, each with a small picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from genviewer.core.keyframes import MAX_KEYFRAMES, Keyframe, PathKind, Timeline
from genviewer.core.recipe import ModelRef

if TYPE_CHECKING:
    from genviewer.core.scene import Pane

SECONDS = 1.0


class TrackError(ValueError):
    """A sample cannot be a keyframe here; the message is one sentence for the user."""


class Track(msgspec.Struct, frozen=True):
    """Keyframes in their order, whether they lead back to the first, and by which path.

    ``thumbnails`` are PNG bytes, one for each keyframe. All keyframes are of one ``model``, None
    while there are none.
    """

    model: ModelRef | None = None
    keyframes: tuple[Keyframe, ...] = ()
    thumbnails: tuple[bytes, ...] = ()
    loop: bool = False
    path: PathKind = "slerp"

    @property
    def timeline(self) -> Timeline | None:
        """What plays; None while there are no keyframes."""
        return Timeline(self.keyframes, self.loop, self.path) if self.keyframes else None

    @property
    def seconds(self) -> float:
        """How long it plays."""
        timeline = self.timeline
        return timeline.seconds if timeline is not None and timeline.segments else 0.0

    def checked(self) -> Track:
        """The track itself; an empty one where a file's parts do not fit each other."""
        fits = len(self.thumbnails) == len(self.keyframes) <= MAX_KEYFRAMES
        try:
            usable = fits and (not self.keyframes or self.timeline is not None)
        except ValueError:
            usable = False
        return self if usable and (self.model is not None or not self.keyframes) else Track()

    def with_added(self, pane: Pane, thumbnail: bytes, at: int | None = None) -> Track:
        """One more keyframe, by default at the end.

        Raises:
            TrackError: it is of another model, in another space, or there are enough.
        """
        if self.keyframes and self.model is not None and self.model.id != pane.model.id:
            raise TrackError(
                f"The keyframes are of {self.model.name}: clear them to begin with another model."
            )
        if len(self.keyframes) >= MAX_KEYFRAMES:
            raise TrackError(f"There are {MAX_KEYFRAMES} keyframes already.")
        at = len(self.keyframes) if at is None else at
        last = self.keyframes[at - 1] if at else None
        new = Keyframe(pane.recipe, last.seconds if last is not None else SECONDS)
        keyframes = (*self.keyframes[:at], new, *self.keyframes[at:])
        try:
            Timeline(keyframes, self.loop, self.path)
        except ValueError as error:
            raise TrackError("All keyframes must lie in the same latent space.") from error
        thumbnails = (*self.thumbnails[:at], thumbnail, *self.thumbnails[at:])
        return msgspec.structs.replace(
            self, model=pane.model, keyframes=keyframes, thumbnails=thumbnails
        )

    def without(self, index: int) -> Track:
        """One keyframe less."""
        keyframes = (*self.keyframes[:index], *self.keyframes[index + 1 :])
        thumbnails = (*self.thumbnails[:index], *self.thumbnails[index + 1 :])
        model = self.model if keyframes else None
        return msgspec.structs.replace(
            self, model=model, keyframes=keyframes, thumbnails=thumbnails
        )

    def moved(self, index: int, to: int) -> Track:
        """A keyframe at another place."""
        keyframes, thumbnails = list(self.keyframes), list(self.thumbnails)
        to = max(0, min(to, len(keyframes) - 1))
        keyframes.insert(to, keyframes.pop(index))
        thumbnails.insert(to, thumbnails.pop(index))
        return msgspec.structs.replace(
            self, keyframes=tuple(keyframes), thumbnails=tuple(thumbnails)
        )

    def with_keyframe(self, index: int, keyframe: Keyframe) -> Track:
        """A keyframe replaced."""
        keyframes = (*self.keyframes[:index], keyframe, *self.keyframes[index + 1 :])
        return msgspec.structs.replace(self, keyframes=keyframes)
