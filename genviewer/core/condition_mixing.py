"""Between two Conditions: class weights, attributes and values mixed. NumPy only, any thread."""

from __future__ import annotations

from genviewer.core.condition import ClassPart, Condition, Part, VectorPart


def mix_conditions(a: Condition, b: Condition, t: float) -> Condition:
    """The Condition a fraction ``t`` (0..1) of the way from ``a`` to ``b``.

    Class weights and values are mixed linearly, so that the packed row is too. A part that one
    of the two leaves empty counts as zeros there, which is how the decoder is told "any". Texts
    cannot be mixed: they change half-way.
    """
    if t <= 0.0 or a == b:
        return a
    if t >= 1.0:
        return b
    names = sorted({part.name for part in (*a.parts, *b.parts)})
    mixed = (_mix(a.part(name), b.part(name), t) for name in names)
    return Condition(tuple(part for part in mixed if part is not None))


def _mix(a: Part | None, b: Part | None, t: float) -> Part | None:
    kinds = {type(part) for part in (a, b) if part is not None}
    if kinds == {ClassPart}:
        return _mix_classes(a, b, t)
    if kinds == {VectorPart}:
        return _mix_values(a, b, t)
    return a if t < 0.5 else b


def _mix_classes(a: Part | None, b: Part | None, t: float) -> Part:
    totals: dict[int, float] = {}
    for part, share in ((a, 1.0 - t), (b, t)):
        if isinstance(part, ClassPart):
            for index, weight in part.weights:
                totals[index] = totals.get(index, 0.0) + share * weight
    name = a.name if a is not None else b.name  # type: ignore[union-attr]  # one of them is there
    return ClassPart(name, tuple(sorted((k, w) for k, w in totals.items() if w > 0.0)))


def _mix_values(a: Part | None, b: Part | None, t: float) -> Part | None:
    first = a.values if isinstance(a, VectorPart) else None
    second = b.values if isinstance(b, VectorPart) else None
    size = len(first if first is not None else second or ())
    first = first if first is not None else (0.0,) * size
    second = second if second is not None else (0.0,) * size
    if len(first) != len(second):
        return a if t < 0.5 else b
    name = a.name if a is not None else b.name  # type: ignore[union-attr]
    values = ((1.0 - t) * x + t * y for x, y in zip(first, second, strict=True))
    return VectorPart(name, tuple(values))
