"""What is kept between starts, and what a project file holds."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from genviewer.core.recipe import from_json, to_json
from genviewer.core.scene import Pane, Scene
from genviewer.io.atomic import write_bytes
from genviewer.session.track import Track

if TYPE_CHECKING:
    from pathlib import Path

PROJECT_SUFFIX = ".genviewer"
MAX_STATE_BYTES = 256 << 20

Unit = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Pin(msgspec.Struct, frozen=True):
    """A sample worth keeping: its pane, a name, and a thumbnail as PNG bytes."""

    id: int
    name: str
    pane: Pane
    thumbnail: bytes = b""


class Controls(msgspec.Struct, frozen=True):
    """Settings of the controls that do not change the picture by themselves.

    ``locks`` are dimensions that dice, vary and walk leave alone; ``pad`` the two dimensions of
    pad and picture drag, or None for the principal plane.
    """

    locks: tuple[int, ...] = ()
    seed: int = 0
    step: Annotated[float, msgspec.Meta(gt=0.0, le=10.0)] = 0.1
    vary_strength: Unit = 0.3
    walk_mode: Literal["random", "loop"] = "random"
    walk_speed: Annotated[float, msgspec.Meta(gt=0.0, le=100.0)] = 1.0
    walk_seconds: Annotated[float, msgspec.Meta(ge=0.1, le=3600.0)] = 8.0
    order: Literal["index", "kl", "effect"] = "index"
    pad: tuple[int, int] | None = None


class State(msgspec.Struct, frozen=True):
    """What the session file and project files hold: Scene, pins, controls and keyframes.

    ``model_paths`` says where models that are not bundled were opened from, by model id.
    """

    scene: Scene
    pins: tuple[Pin, ...] = ()
    controls: Controls = Controls()
    model_paths: dict[str, str] = {}
    track: Track = Track()
    format: Literal["genviewer-state/1"] = "genviewer-state/1"


class StateError(ValueError):
    """A session or project file cannot be used; the message is one sentence for the user."""


def save_state(path: Path, state: State) -> None:
    """Write a session or project file atomically.

    Raises:
        OSError: if it cannot be written.
    """
    write_bytes(path, to_json(state))


def load_state(path: Path) -> State:
    """Read a session or project file.

    Raises:
        StateError: naming the file and what is wrong.
    """
    try:
        if not path.is_file():
            raise StateError(f"{path.name} is not there any more.")
        if path.stat().st_size > MAX_STATE_BYTES:
            raise StateError(f"{path.name} is too large to be a project.")
        state = from_json(path.read_bytes(), State)
    except OSError as error:
        raise StateError(f"{path.name} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, StateError):
            raise
        raise StateError(f"{path.name} is damaged or not a genviewer project.") from error
    if not state.scene.panes:
        raise StateError(f"{path.name} holds no scene.")
    return state


def keep_aside(path: Path) -> Path:
    """Rename a damaged file so that it is neither used nor lost; returns the new path."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    aside = path.with_name(f"{path.name}.damaged-{stamp}-{os.getpid()}")
    path.replace(aside)
    return aside
