"""The window: the only package that speaks to Qt."""
