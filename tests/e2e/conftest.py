"""The window's fixtures, for tests that drive it from end to end."""

from __future__ import annotations

from tests.ui.conftest import open_explorer, other_model, user_files, window

__all__ = ["open_explorer", "other_model", "user_files", "window"]
