"""The model of a workspace, estimated from its records alone: nobody has to label any pair. Pure.

Expectation and maximisation over all pairs: those that share no rare value are taken for different
people, the others are of one person as likely as the model says, and what they agree in makes the
next model. What is usual anywhere counts like a few pairs more, so that little data changes little.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import prod

from contacts.domain.duplicates.comparing import DIFFERENT, SAME, UNKNOWN, Agreement, compare
from contacts.domain.duplicates.model import (
    USUAL,
    USUAL_DUPLICATES,
    USUAL_OTHER,
    FieldModel,
    Model,
    Shares,
    usual_model,
)
from contacts.domain.duplicates.traits import FIRST, LAST, Traits

_ROUNDS = 25
_COVERED_LEAST = 0.02
_FIELDS_MOST = 24
_RANDOM_PAIRS = 60_000
_SHARING_PAIRS = 1_500
_AS_MANY_AS = 12.0
"""What is usual counts like so many pairs of one person."""
_RARE_MOST = 0.02
"""A field's values make keys if two people have the same one no more often than this."""
_COMMON_LEAST, _COMMON_KEPT = 0.001, 500
_DEPENDS_LEAST = 3.0
_NAMES = (FIRST, LAST)
_LEAST_SHARE = 1e-7

_HOPELESS = 1e-7
"""Pairs less likely than this make no difference, and are not looked at again."""
_SETTLED = 0.001

Patterns = Mapping[Agreement, int]


def estimate(
    records: Sequence[Traits], candidates: Iterable[Agreement], fields: Sequence[str]
) -> Model:
    """The model. `candidates`: the agreements, in these fields, of all pairs that share a key."""
    values = {name: _values(records, name) for name in fields}
    start = usual_model(fields, len(records))
    model = Model(
        tuple(_seen(field, values[field.name], records, fields) for field in start.fields),
        start.prior,
        tuple(name for name in fields if name in _NAMES or _collisions(values[name]) <= _RARE_MOST),
        len(records),
    )
    patterns: Patterns = Counter(candidates)
    for _ in range(_ROUNDS):
        before, model = model, _round(model, patterns, values, len(records))
        patterns = {p: count for p, count in patterns.items() if _likely(model, p) > _HOPELESS}
        if _settled(before, model):
            break
    return Model(tuple(map(_monotone, model.fields)), model.prior, model.keyed, model.people)


def fields_of(records: Sequence[Traits]) -> tuple[str, ...]:
    """The fields worth comparing: names first, then the usual ones, then the workspace's own."""
    known = Counter(field for record in records for field in record)
    order = {name: place for place, name in enumerate(USUAL)}
    least = _COVERED_LEAST * len(records)
    wanted = [name for name, count in known.items() if name in order or count >= least]
    wanted.sort(key=lambda name: (order.get(name, len(order)), -known[name], name))
    return tuple(wanted[:_FIELDS_MOST])


def _values(records: Sequence[Traits], field: str) -> Counter[str]:
    return Counter(value for record in records for value in record.get(field, ()))


def _collisions(values: Counter[str]) -> float:
    """How often two known values are the same one."""
    known = values.total()
    return _same_pairs(values) / max(known * (known - 1) / 2, 1)


def _same_pairs(values: Counter[str]) -> float:
    return sum(count * (count - 1) / 2 for count in values.values())


def _seen(
    field: FieldModel, values: Counter[str], records: Sequence[Traits], fields: Sequence[str]
) -> FieldModel:
    """A field with what pairs at random say of different people, and its common values."""
    counted = Counter(
        compare(left, right, (field.name,))[0] for left, right in _at_random(records, field.name)
    )
    known = counted.total() - counted[UNKNOWN]
    u = [
        (counted[level] + _AS_MANY_AS * field.u[level - 1]) / (known + _AS_MANY_AS)
        for level in range(DIFFERENT, SAME + 1)
    ]
    u[SAME - 1] = max(_collisions(values), _LEAST_SHARE)
    total = max(values.total(), 1)
    common = {
        value: count / total
        for value, count in values.most_common(_COMMON_KEPT)
        if count / total >= _COMMON_LEAST and count > 2
    }
    return FieldModel(
        field.name, field.m, _shares(u), common, _given(field.name, u[SAME - 1], records, fields)
    )


def _at_random(records: Sequence[Traits], field: str) -> Iterable[tuple[Traits, Traits]]:
    """Pairs of records that have the field, spread evenly: the same ones every time."""
    having = [record for record in records if field in record]
    count = len(having)
    if count < 2:
        return
    wanted = min(_RANDOM_PAIRS // 4, count * (count - 1) // 2)
    step = max(count // 3, 1)
    for number in range(wanted):
        one = number % count
        other = (one + 1 + step + (number // count) * 7) % count
        if one != other:
            yield having[one], having[other]


def _given(
    field: str, u: float, records: Sequence[Traits], fields: Sequence[str]
) -> dict[str, float]:
    """How often two different people agree here if they agree in a field before this one.

    Different people, as far as one knows: their first names differ, and their last names too,
    unless the other field is the last name (families).
    """
    found = {}
    for other in fields[: fields.index(field)] if field not in _NAMES else ():
        if other == FIRST:
            continue
        strangers = [FIRST] if other == LAST else [*_NAMES]
        agreed, known = 0, 0
        for left, right in _sharing(records, other):
            levels = compare(left, right, (*strangers, field))
            if levels[-1] == UNKNOWN or any(level != DIFFERENT for level in levels[:-1]):
                continue
            known += 1
            agreed += levels[-1] == SAME
        share = (agreed + _AS_MANY_AS * u) / (known + _AS_MANY_AS)
        if share > _DEPENDS_LEAST * u:
            found[other] = share
    return found


def _sharing(records: Sequence[Traits], field: str) -> Iterable[tuple[Traits, Traits]]:
    """Pairs of records with the same value, of many values rather than of a common one."""
    groups: dict[str, list[Traits]] = {}
    for record in records:
        for value in record.get(field, ()):
            groups.setdefault(value, []).append(record)
    several = [group for group in groups.values() if len(group) > 1]
    each = max(_SHARING_PAIRS // max(len(several), 1), 1)
    made = 0
    for group in several:
        for number in range(min(each, len(group) - 1)):
            yield group[number], group[number + 1]
            made += 1
        if made >= _SHARING_PAIRS:
            return


def _round(
    model: Model, patterns: Patterns, values: Mapping[str, Counter[str]], people: int
) -> Model:
    """One expectation and one maximisation."""
    matching: list[list[float]] = [[0.0] * (SAME + 1) for _ in model.fields]
    matches = 0.0
    for pattern, count in patterns.items():
        likely = count * _likely(model, pattern)
        matches += likely
        for place, level in enumerate(pattern):
            matching[place][level] += likely
    fields = tuple(
        _maximised(field, counted, values[field.name])
        for field, counted in zip(model.fields, matching, strict=True)
    )
    pairs = max(people * (people - 1) / 2, 1.0)
    assumed = min(USUAL_DUPLICATES * people, _AS_MANY_AS)
    prior = (matches + assumed) / (pairs + assumed * people / 2)
    return Model(fields, min(max(prior, 1e-12), 0.5), model.keyed, people)


def _settled(before: Model, after: Model) -> bool:
    return all(
        abs(one - other) < _SETTLED
        for old, new in zip(before.fields, after.fields, strict=True)
        for one, other in zip(old.m, new.m, strict=True)
    )


def _likely(model: Model, pattern: Agreement) -> float:
    """How likely a pair that agrees so is of one person."""
    same = [f.name for f, level in zip(model.fields, pattern, strict=True) if level == SAME]
    known = [(field, level) for field, level in zip(model.fields, pattern, strict=True) if level]
    one = prod(field.m[level - 1] for field, level in known)
    two = prod(_by_chance(field, level, same) for field, level in known)
    return model.prior * one / (model.prior * one + (1 - model.prior) * two)


def _by_chance(field: FieldModel, level: int, same: Sequence[str]) -> float:
    if level != SAME:
        return field.u[level - 1]
    return max(field.u[SAME - 1], *(field.given.get(other, 0.0) for other in same))


def _maximised(field: FieldModel, counted: Sequence[float], values: Counter[str]) -> FieldModel:
    """`m` as the likely pairs say. The same value by chance: as often as all pairs have it but for
    the likely ones."""
    usual, usual_u = USUAL.get(field.name, USUAL_OTHER)
    known = sum(counted[DIFFERENT:])
    m = [
        (counted[level] + _AS_MANY_AS * usual[level - 1]) / (known + _AS_MANY_AS)
        for level in range(DIFFERENT, SAME + 1)
    ]
    pairs = max(values.total() * (values.total() - 1) / 2, 1.0)
    same = max(_same_pairs(values) - counted[SAME], 0.0)
    by_chance = (same + _AS_MANY_AS * usual_u[SAME - 1]) / (pairs + _AS_MANY_AS)
    u = [*field.u[: SAME - 1], max(by_chance, _LEAST_SHARE)]
    return FieldModel(field.name, _shares(m), _shares(u), field.common, field.given)


def _monotone(field: FieldModel) -> FieldModel:
    """A field in which agreeing more never weighs less: levels that say otherwise, for want of
    pairs, are taken as one."""
    pooled: list[tuple[float, float, int]] = []
    for m, u in zip(field.m, field.u, strict=True):
        pooled.append((m, u, 1))
        while len(pooled) > 1 and pooled[-2][0] / pooled[-2][1] > pooled[-1][0] / pooled[-1][1]:
            (m1, u1, n1), (m2, u2, n2) = pooled[-2:]
            pooled[-2:] = [(m1 + m2, u1 + u2, n1 + n2)]
    m_levels = [m for m, _, levels in pooled for _ in range(levels)]
    u_levels = [u for _, u, levels in pooled for _ in range(levels)]
    return FieldModel(field.name, _shares(m_levels), _shares(u_levels), field.common, field.given)


def _shares(values: Sequence[float]) -> Shares:
    different, alike, close, same = (max(value, _LEAST_SHARE) for value in values)
    return different, alike, close, same
