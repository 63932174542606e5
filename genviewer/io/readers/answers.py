"""What a person answered about models whose weights do not say it, kept by the weights' hash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from genviewer.io.atomic import write_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_STORE_BYTES = 4 << 20
MAX_ANSWERS = 4096


class Answers:
    """Settings by ``weights_sha256``, in a small JSON file that can be copied and shared.

    Args:
        path: the file; made when something is remembered.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, weights_sha256: str) -> dict[str, str]:
        """The settings that were answered for these weights; empty if none were, and where the
        store is damaged.
        """
        return dict(self._read().get(weights_sha256, {}))

    def remember(self, weights_sha256: str, settings: Mapping[str, str]) -> None:
        """Keep the settings for these weights; none forgets them. The oldest go when there are
        very many.

        Raises:
            OSError: if they cannot be written.
        """
        known = self._read()
        known.pop(weights_sha256, None)
        if settings:
            known[weights_sha256] = dict(settings)
        while len(known) > MAX_ANSWERS:
            known.pop(next(iter(known)))
        write_bytes(self._path, msgspec.json.format(msgspec.json.encode(known), indent=1))

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            if self._path.stat().st_size > MAX_STORE_BYTES:
                return {}
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, dict[str, str]])
        except (OSError, ValueError, RecursionError):
            return {}
