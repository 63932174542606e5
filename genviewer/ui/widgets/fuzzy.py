"""Finding a name by some of its letters, as typed in a hurry. Plain Python, no Qt."""

from __future__ import annotations

_START, _AFTER_SPACE, _NEXT, _GAP = 12, 8, 6, 1
MAX_LETTERS = 64


def match(query: str, text: str) -> tuple[int, tuple[int, ...]] | None:
    """How well ``query`` fits into ``text`` as a subsequence, letter case and spaces aside.

    Letters at the start, at the beginnings of words and next to each other count for more, the
    letters left over between them for less.

    Returns:
        The score of the best way to fit it (higher is better) and the positions in ``text`` that
        it takes; None where it does not fit.
    """
    wanted = "".join(query.casefold().split())[:MAX_LETTERS]
    letters = text.casefold()
    if len(letters) != len(text):  # case folding made it longer; positions would be off
        letters = text.lower() if len(text.lower()) == len(text) else text
    if not wanted:
        return 0, ()
    # best[j]: (score, positions) of the query's letters so far, the last of them at j
    best: dict[int, tuple[int, tuple[int, ...]]] = {}
    for i, letter in enumerate(wanted):
        found: dict[int, tuple[int, tuple[int, ...]]] = {}
        for j, other in enumerate(letters):
            if other != letter:
                continue
            bonus = _START if j == 0 else _AFTER_SPACE if not letters[j - 1].isalnum() else 0
            if i == 0:
                found[j] = (bonus - min(j, 5) * _GAP, (j,))
                continue
            before = [
                (score + (_NEXT if j - k == 1 else -min(j - k - 1, 5) * _GAP), places)
                for k, (score, places) in best.items()
                if k < j
            ]
            if before:
                score, places = max(before)
                found[j] = (score + bonus, (*places, j))
        if not found:
            return None
        best = found
    score, places = max(best.values())
    return score - len(text) // 8, places
