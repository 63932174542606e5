"""The font files of this machine: where each system keeps them, without asking fontconfig."""

from __future__ import annotations

import os
import sys
from pathlib import Path

SUFFIXES = {".ttf", ".otf"}
MAX_FONT_BYTES = 32 << 20


def font_folders() -> tuple[Path, ...]:
    """The folders that may hold fonts on this system, of all users and of this one."""
    home = Path.home()
    if sys.platform == "darwin":
        return (Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts")
    if sys.platform == "win32":
        windows = Path(os.environ.get("WINDIR", r"C:\Windows"))
        local = Path(os.environ.get("LOCALAPPDATA", str(home / "AppData/Local")))
        return (windows / "Fonts", local / "Microsoft/Windows/Fonts")
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share")
    return (
        Path("/usr/share/fonts"),
        Path("/usr/local/share/fonts"),
        Path("/usr/share/texmf/fonts/opentype"),
        data / "fonts",
        home / ".fonts",
    )


def font_files(folders: tuple[Path, ...] | None = None) -> list[Path]:
    """TrueType and OpenType files below the folders, one per file name, sorted by it.

    Packages link one file into several folders, hence the names. Folders that cannot be read are
    passed over.
    """
    found: dict[str, Path] = {}
    for folder in font_folders() if folders is None else folders:
        for root, subfolders, names in os.walk(folder):
            subfolders.sort()
            for name in sorted(names):
                path = Path(root, name)
                if path.suffix.lower() not in SUFFIXES or name in found:
                    continue
                try:
                    if path.stat().st_size <= MAX_FONT_BYTES:
                        found[name] = path
                except OSError:  # a dangling link
                    continue
    return [found[name] for name in sorted(found)]
