"""All records at once: the model, and every pair that is likely to be of one person. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from contacts.domain.duplicates.blocking import BLOCK_MOST, keys_of
from contacts.domain.duplicates.comparing import Agreement, compare
from contacts.domain.duplicates.estimating import estimate, fields_of
from contacts.domain.duplicates.model import Model, Scale
from contacts.domain.duplicates.traits import Traits

KEPT_FROM = 0.2
"""Pairs less likely than this are not even kept."""
_LEARNT_FROM = 25_000
_PAIRS_EACH = 10
"""So many pairs are compared for each record at most, taken all together."""


class Likely(msgspec.Struct, frozen=True):
    """Two records, by their places, that may be of one person."""

    left: int
    right: int
    agreement: Agreement
    probability: float


class Scan(msgspec.Struct, frozen=True):
    """What came of a scan. `keys`: those of each record, under the model."""

    model: Model
    keys: list[frozenset[int]]
    pairs: list[Likely]


def learn(records: Sequence[Traits]) -> Model:
    """The model of these records; of some of them, if they are very many."""
    if len(records) > _LEARNT_FROM:
        step = len(records) / _LEARNT_FROM
        records = [records[int(number * step)] for number in range(_LEARNT_FROM)]
    fields = fields_of(records)
    keys = [keys_of(record, fields) for record in records]
    agreements = (agreement for _, agreement in _compared(records, keys, fields))
    return estimate(records, agreements, fields)


def scan(records: Sequence[Traits], model: Model | None = None) -> Scan:
    """Compare all records; the model is learnt from them unless there is one to be used."""
    if model is None:
        model = learn(records)
    keys = [keys_of(record, model.keyed) for record in records]
    compared = _compared(records, keys, model.names)
    return Scan(model, keys, list(_likely(records, model, compared)))


def _compared(
    records: Sequence[Traits], keys: Sequence[frozenset[int]], fields: Sequence[str]
) -> Iterator[tuple[int, Agreement]]:
    for pair in pairs_of(keys):
        left, right = divmod(pair, len(records))
        yield pair, compare(records[left], records[right], fields)


def pairs_of(keys: Sequence[frozenset[int]]) -> set[int]:
    """The pairs that share a key few have, each as `left * len(keys) + right`.

    The rarest keys come first, and those that would make too many pairs in all are left out.
    """
    blocks: dict[int, list[int]] = {}
    for place, own in enumerate(keys):
        for key in own:
            blocks.setdefault(key, []).append(place)
    small = [block for block in blocks.values() if 1 < len(block) <= BLOCK_MOST]
    small.sort(key=len)
    count, pairs = len(keys), set[int]()
    for block in small:
        if len(pairs) > _PAIRS_EACH * count:
            break
        for number, left in enumerate(block):
            pairs.update(left * count + right for right in block[number + 1 :])
    return pairs


def _likely(
    records: Sequence[Traits], model: Model, compared: Iterable[tuple[int, Agreement]]
) -> Iterator[Likely]:
    scale = Scale(model)
    for pair, agreement in compared:
        left, right = divmod(pair, len(records))
        likely = scale.probability(agreement, records[left], records[right], least=KEPT_FROM)
        if likely >= KEPT_FROM:
            yield Likely(left, right, agreement, likely)
