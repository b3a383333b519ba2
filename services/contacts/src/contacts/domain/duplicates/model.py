"""How much an agreement weighs: the odds that two records are of one person. Pure.

A field's weight is log2(m / u): how often two records of one person agree so far in it, over how
often two of different people do. That two agree on something rare weighs more than on something
common; and what usually goes together (a city and its postcode, a company and its switchboard)
counts as much as it adds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log2

import msgspec

from contacts.domain.duplicates.comparing import LEVELS, SAME, UNKNOWN, Agreement
from contacts.domain.duplicates.traits import (
    BIRTHDAY,
    CITY,
    COMPANY,
    EMAIL,
    FIRST,
    LAST,
    PHONE,
    Traits,
)

MATCH = 0.5
"""From this probability on two records are shown as duplicates."""

_BITS_MOST = 60.0
_RARE_BITS = 2.0
"""So much more than usual may it weigh that a value is rare."""

Shares = tuple[float, float, float, float]
"""How often a pair agrees at each level from DIFFERENT to SAME, if both are known."""


class FieldModel(msgspec.Struct, frozen=True):
    """One field. `m`, `u`: within one person, between two. `common`: shares of common values.
    `given`: of pairs of different people that agree in another field, which share agrees here."""

    name: str
    m: Shares
    u: Shares
    common: dict[str, float] = {}
    given: dict[str, float] = {}


class Model(msgspec.Struct, frozen=True):
    """`prior`: which share of all pairs are of one person. `keyed`: see blocking."""

    fields: tuple[FieldModel, ...]
    prior: float
    keyed: tuple[str, ...] = ()
    people: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The fields in the order of an agreement."""
        return tuple(field.name for field in self.fields)


class Evidence(msgspec.Struct, frozen=True):
    """What one field says: its level, and its weight in bits."""

    field: str
    level: str
    weight: float


USUAL: Mapping[str, tuple[Shares, Shares]] = {
    FIRST: ((0.06, 0.06, 0.08, 0.80), (0.965, 0.02, 0.005, 0.01)),
    LAST: ((0.05, 0.05, 0.08, 0.82), (0.975, 0.015, 0.005, 0.005)),
    EMAIL: ((0.35, 0.10, 0.05, 0.50), (0.988, 0.01, 0.0018, 0.0002)),
    PHONE: ((0.35, 0.05, 0.05, 0.55), (0.983, 0.01, 0.006, 0.001)),
    BIRTHDAY: ((0.04, 0.03, 0.05, 0.88), (0.965, 0.025, 0.0095, 0.0005)),
    CITY: ((0.15, 0.05, 0.05, 0.75), (0.92, 0.02, 0.005, 0.055)),
    COMPANY: ((0.20, 0.05, 0.05, 0.70), (0.97, 0.01, 0.005, 0.015)),
}
"""What is assumed before anything was seen: of any business's records, not of one file's."""
USUAL_OTHER: tuple[Shares, Shares] = ((0.20, 0.07, 0.08, 0.65), (0.90, 0.03, 0.01, 0.06))
USUAL_DUPLICATES = 0.03
"""So many duplicates are assumed for each person."""


def usual_model(fields: Sequence[str], people: int) -> Model:
    """The model of a workspace of which too little is known to estimate one."""
    made = tuple(FieldModel(name, *USUAL.get(name, USUAL_OTHER)) for name in fields)
    return Model(made, usual_prior(people), tuple(fields), people)


def usual_prior(people: int) -> float:
    """The share of pairs that are duplicates, as far as one can say beforehand."""
    return min(0.02, USUAL_DUPLICATES * 2 / max(people - 1, 1))


class Scale:
    """A model made ready to weigh many pairs."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._prior = log2(model.prior / (1 - model.prior))
        self._tables = [
            (field, (0.0, *(log2(m / u) for m, u in zip(field.m, field.u, strict=True))))
            for field in model.fields
        ]

    def weigh(self, agreement: Agreement, left: Traits, right: Traits) -> list[Evidence]:
        """What each field that both records have says, in the model's order."""
        weights = self._weights(agreement, left, right)
        return [
            Evidence(field.name, LEVELS[level], weight)
            for field, level, weight in zip(self.model.fields, agreement, weights, strict=True)
            if level != UNKNOWN
        ]

    def probability(
        self, agreement: Agreement, left: Traits, right: Traits, *, least: float = 0.0
    ) -> float:
        """How likely a pair is of one person; 0 if it is less likely than `least`."""
        weight = self._prior + sum(
            table[level] for (_, table), level in zip(self._tables, agreement, strict=True)
        )
        # What is rare may weigh more than the table says; never by more than this for each.
        if least and weight + agreement.count(SAME) * _RARE_BITS < log2(least / (1 - least)):
            return 0.0
        weight = self._prior + sum(self._weights(agreement, left, right))
        return 1 / (1 + 2 ** -min(max(weight, -_BITS_MOST), _BITS_MOST))

    def _weights(self, agreement: Agreement, left: Traits, right: Traits) -> list[float]:
        same = [
            field.name
            for (field, _), level in zip(self._tables, agreement, strict=True)
            if level == SAME
        ]
        return [
            log2(field.m[SAME - 1] / _chance(field, same, left, right))
            if level == SAME
            else table[level]
            for (field, table), level in zip(self._tables, agreement, strict=True)
        ]


def _chance(field: FieldModel, same: Sequence[str], left: Traits, right: Traits) -> float:
    """How often two different people agree here, in this value, given what else they agree in."""
    u = field.u[SAME - 1]
    if field.common:
        shared = set(left.get(field.name, ())) & set(right.get(field.name, ()))
        rarest = u / 2**_RARE_BITS
        u = min((field.common.get(value, rarest) for value in shared), default=u)
        u = max(u, rarest)
    if field.given:
        u = max([u, *(field.given[other] for other in same if other in field.given)])
    return min(u, field.m[SAME - 1])
