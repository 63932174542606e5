"""Readers: from what people have on disk to a Bundle, through one ordered table."""
