"""Conditions: what may be said, what holds, when that changes by time, and in which words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.errors import BadInput
from contacts.domain.conditions.fields import FIELDS, OPERATORS
from contacts.domain.conditions.tree import is_timed, leaves_of, parse, plain, reads
from contacts.domain.conditions.truth import explain, holds, missing, turns_at, words

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
VIP: dict[str, Any] = {"field": "tags", "is": "has", "value": "VIP"}
PARIS: dict[str, Any] = {"field": "city", "is": "is", "value": "Paris"}
RECENT: dict[str, Any] = {"field": "purchases.last_at", "is": "in_last_days", "value": 90}


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ("VIP", "#/condition"),
        ({"all": [VIP], "any": [VIP]}, "#/condition"),
        ({"all": [VIP, {"field": "shoe", "is": "is"}]}, "#/condition/all/1/field"),
        ({"not": {**VIP, "is": "contains"}}, "#/condition/not/is"),
        ({**VIP, "is": ["has"]}, "#/condition/is"),
        ({**VIP, "value": "  "}, "#/condition/value"),
        ({**VIP, "extra": 1}, "#/condition"),
        ({**RECENT, "value": 0}, "#/condition/value"),
        ({**RECENT, "value": True}, "#/condition/value"),
        ({**RECENT, "is": "before", "value": "soon"}, "#/condition/value"),
        ({"field": "purchases.total", "is": "at_least", "value": 5}, "#/condition/value"),
        ({"field": "consent.email", "is": "is_given"}, "#/condition/field"),
        ({"not": {"not": {"not": {"not": {"not": {"not": {"not": {"not": VIP}}}}}}}},
         "#/condition" + "/not" * 8),
        ({"any": [VIP] * 51}, "#/condition"),
        ({"any": []}, "#/condition"),
    ],
)  # fmt: skip
def test_what_is_no_condition_is_refused_and_it_is_told_where(said: Any, pointer: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse(said)
    assert refused.value.extra["errors"][0]["pointer"] == pointer


def test_a_condition_is_written_as_it_was_read() -> None:
    said = {"all": [VIP, {"not": {"any": [PARIS, RECENT]}}]}
    assert plain(parse(said)) == said
    assert parse(plain(parse(said))) == parse(said)


def test_a_condition_knows_what_moves_it() -> None:
    assert reads(parse({"all": [VIP, {"not": PARIS}]})) == {"tags", "person"}
    assert is_timed(parse({"not": RECENT}))
    assert not is_timed(parse(VIP))


def test_groups_and_denials_hold_as_logic_has_it() -> None:
    traits = {"tags": ["vip"], "city": "rome"}
    for said, expected in (
        ({"all": [VIP, PARIS]}, False),
        ({"any": [VIP, PARIS]}, True),
        ({"not": PARIS}, True),
        ({"all": [VIP, {"not": {"any": [PARIS]}}]}, True),
        ({"all": [{"any": []}, VIP]}, False),
        ({"all": [{"all": []}, VIP]}, True),
    ):
        assert holds(parse(said), traits, NOON) is expected, said


def test_a_line_in_time_is_crossed_at_its_moment_and_not_before() -> None:
    bought = NOON - timedelta(days=89)
    condition, traits = parse(RECENT), {"purchases.last_at": bought}
    line = turns_at(condition, traits, NOON)
    assert line == bought + timedelta(days=90)
    assert holds(condition, traits, line - timedelta(microseconds=1))
    assert not holds(condition, traits, line)
    assert turns_at(condition, traits, line) is None
    assert turns_at(condition, {"purchases.last_at": None}, NOON) is None
    never = parse({**RECENT, "is": "not_in_last_days"})
    assert holds(never, {"purchases.last_at": None}, NOON)


def test_it_is_told_which_parts_hold_and_what_is_missing() -> None:
    condition = parse({"all": [VIP, {"any": [PARIS, RECENT]}, {"not": {**VIP, "value": "old"}}]})
    traits = {"tags": ["old"], "city": "rome", "purchases.last_at": None}
    told = explain(condition, traits, NOON)
    assert [part["holds"] for part in told["all"]] == [False, False, False]
    assert told["all"][1]["any"][0]["found"] == "rome"
    assert missing(condition, traits, NOON) == [
        "Tags include VIP",
        "City is Paris or Last purchase in the last 90 days",
        "not “Tags include old”",
    ]
    fine = {"tags": ["vip"], "city": "paris"}
    assert missing(condition, fine, NOON) == []


@pytest.mark.parametrize("kind", OPERATORS)
def test_everything_that_can_be_asked_has_words(kind: Any) -> None:
    values = {
        "number": 3,
        "money": {"amount_minor": 1250, "currency": "eur"},
        "choice": ["FR", "Germany"],
    }
    named = [f.name for f in FIELDS.values() if f.kind == kind] or ["consent.email.news"]
    for operator in OPERATORS[kind]:
        value = 5 if operator.endswith("_days") else values.get(kind, "2026-01-01")
        [leaf] = leaves_of(parse({"field": named[0], "is": operator, "value": value}))
        assert words(leaf).startswith(leaf.field.label + " "), operator
        assert "_" not in words(leaf)
