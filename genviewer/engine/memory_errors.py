"""How a lack of memory is known, on the machine or on its GPU. Imports no torch."""

from __future__ import annotations

_WORDS = ("out of memory", "allocate memory", "not enough memory", "status_alloc_failed")


def is_out_of_memory(error: Exception) -> bool:
    """Whether there was too little memory; torch says it in words."""
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in _WORDS)
