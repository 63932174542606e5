"""Models, data and pictures on disk."""
