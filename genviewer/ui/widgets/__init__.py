"""Widgets: values go in, signals say what the user wants. None knows another or the engine."""
