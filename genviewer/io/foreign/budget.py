"""What a file from outside may cost, and the one error that refuses it.

Every limit is checked before memory is taken. The limits are far above what real checkpoints
hold and low enough that no file can use more than about 300 MB beyond its own tensors.
"""

from __future__ import annotations

import unicodedata
from typing import NoReturn

MAX_FILE_BYTES = 64 << 30
MAX_FOLDER_ENTRIES = 4096
MAX_ZIP_ENTRIES = 100_000
MAX_ZIP_DIRECTORY_BYTES = 32 << 20
MAX_PICKLE_BYTES = 64 << 20  # of a pickle that holds no tensor data itself
MAX_OPCODES = 1_500_000
MAX_NODES = 250_000  # containers, records and tensors that one file makes
MAX_STACK = 500_000
MAX_MARKS = 2_000
MAX_MEMO = 500_000
MAX_TEXT_BYTES = 32 << 20  # of all strings together
MAX_STRING_BYTES = 4 << 20
MAX_INLINE_BYTES = 32 << 20  # of all small byte strings together
MAX_LONG_BYTES = 32
MAX_NESTED_FILES = 20_000
MAX_NESTING = 3  # tensors inside a pickle inside a pickle
MAX_DIMENSIONS = 16
MAX_TENSORS = 100_000
MAX_TENSOR_FACTOR = 8  # tensors may share storages, but not without end
FREE_TENSOR_BYTES = 64 << 20
MAX_WALK_DEPTH = 200
MAX_WALK_VISITS = 1_500_000
MAX_WALK_ENTERED = 100_000  # containers, each as often as it is met


class UnreadableFileError(ValueError):
    """A file that is not read; the message is one plain sentence for the user.

    Text that comes from the file is elided and free of control characters, but may hold HTML:
    show it as plain text.
    """


def clean(text: object, limit: int = 60) -> str:
    """Text from a file, in one line, without control or direction characters, elided.

    Args:
        text: anything; what is no string is shown as ``str`` shows its type's name.
        limit: the greatest number of characters to give.
    """
    if not isinstance(text, str):
        text = repr(text) if isinstance(text, int | float | bool | None) else type(text).__name__
    kept = "".join(
        character if unicodedata.category(character)[0] != "C" else " "
        for character in text[: 4 * limit]
        if unicodedata.category(character) not in ("Zl", "Zp")
    )
    kept = " ".join(kept.split())
    if len(kept) > limit or len(text) > 4 * limit:
        return kept[: limit - 1].rstrip() + "…"
    return kept


class Budget:
    """What one file has used so far; every ``spend`` refuses the file when it is too much.

    Args:
        name: the file's name, with which every refusal begins.
        file_size: in bytes; tensors may not be much larger together.
    """

    def __init__(self, name: str, file_size: int) -> None:
        self.name = clean(name, 80)
        self.file_size = file_size
        self.opcodes = 0
        self.nodes = 0
        self.text_bytes = 0
        self.inline_bytes = 0
        self.tensors = 0
        self.tensor_bytes = 0
        self.nested_files = 0
        self.nesting = 0

    def refuse(self, what: str) -> NoReturn:
        """Raise the refusal whose sentence is the file's name and ``what``."""
        raise UnreadableFileError(f"{self.name} {what}.")

    def damaged(self, where: str = "") -> NoReturn:
        """Raise the refusal of a file that is incomplete or damaged."""
        self.refuse(f"is incomplete or damaged{f' ({where})' if where else ''}")

    def spend_node(self) -> None:
        """One more container, record or tensor."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self.refuse(f"holds more than {MAX_NODES:,} objects, which no model does")

    def spend_text(self, length: int) -> None:
        """One more string of ``length`` bytes."""
        self.text_bytes += length
        if length > MAX_STRING_BYTES or self.text_bytes > MAX_TEXT_BYTES:
            self.refuse("holds far more text than a model does")

    def spend_inline(self, length: int) -> None:
        """One more byte string that is kept in memory."""
        self.inline_bytes += length
        if self.inline_bytes > MAX_INLINE_BYTES:
            self.refuse("holds too much data outside its tensors")

    def spend_tensor(self, nbytes: int) -> None:
        """One more tensor; ``nbytes`` is its size as an array."""
        self.spend_node()
        self.tensors += 1
        self.tensor_bytes += nbytes
        if self.tensors > MAX_TENSORS:
            self.refuse(f"holds more than {MAX_TENSORS:,} tensors, which no model does")
        if self.tensor_bytes > MAX_TENSOR_FACTOR * self.file_size + FREE_TENSOR_BYTES:
            self.refuse(
                f"claims {self.tensor_bytes / 1e9:.1f} GB of tensors in a file of "
                f"{self.file_size / 1e6:.1f} MB"
            )

    def enter_nested(self) -> None:
        """A file inside the file begins; :meth:`leave_nested` ends it."""
        self.nested_files += 1
        self.nesting += 1
        if self.nesting > MAX_NESTING or self.nested_files > MAX_NESTED_FILES:
            self.refuse("holds files inside files without end")

    def leave_nested(self) -> None:
        """The innermost file inside the file ends."""
        self.nesting -= 1
