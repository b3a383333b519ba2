"""Whether a condition holds for a person, when that changes by time alone, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, cast

from contacts.domain.conditions.fields import RELATIVE
from contacts.domain.conditions.tree import Condition, Group, Leaf, Money, Not, leaves_of
from contacts.domain.money import readable

Names = Mapping[str, str]
Traits = Mapping[str, Any]
"""What is known of a person, by trait: texts folded, tags as a list of folded ones, a consent as
True, False or None, the amount of money in the trait's currency in minor units."""


def holds(condition: Condition, traits: Traits, now: datetime) -> bool:
    """Whether it holds for a person at a moment."""
    match condition:
        case Leaf():
            return leaf_holds(condition, traits.get(condition.trait), now)
        case Not():
            return not holds(condition.part, traits, now)
        case Group(of="all"):
            return all(holds(part, traits, now) for part in condition.parts)
        case Group():
            return any(holds(part, traits, now) for part in condition.parts)


def leaf_holds(leaf: Leaf, found: Any, now: datetime) -> bool:
    """Whether one question is answered with yes, by what was found of the person."""
    match leaf.field.kind:
        case "text":
            return _text(leaf, found)
        case "choice":
            named = found is not None and found in cast(tuple[str, ...], leaf.value or ())
            return _presence(leaf.operator, found, named)
        case "number" | "money":
            return _number(leaf, found)
        case "date":
            return _date(leaf, found, now)
        case "tags":
            return (leaf.value in (found or ())) is (leaf.operator == "has")
        case "flag":
            return bool(found) is (leaf.operator == "is_so")
        case "consent":
            return found is {"is_given": True, "is_withdrawn": False}.get(leaf.operator)


def turns_at(condition: Condition, traits: Traits, now: datetime) -> datetime | None:
    """The next moment at which the answer to a question in it changes, if nothing happens."""
    moments = []
    for leaf in leaves_of(condition):
        if leaf.operator in RELATIVE:
            found = traits.get(leaf.trait)
            moment = found and found + timedelta(days=cast(int, leaf.value))
            if moment and moment > now:
                moments.append(moment)
    return min(moments, default=None)


def _presence(operator: str, found: Any, same: bool) -> bool:
    match operator:
        case "is_filled":
            return bool(found)
        case "is_empty":
            return not found
        case "is":
            return same
        case _:
            return not same


def _text(leaf: Leaf, found: str | None) -> bool:
    wanted, there = cast(str, leaf.value), found or ""
    match leaf.operator:
        case "contains":
            return wanted in there
        case "contains_not":
            return wanted not in there
        case "begins_with":
            return there.startswith(wanted)
        case _:
            return _presence(leaf.operator, there, there == wanted)


def _number(leaf: Leaf, found: float | None) -> bool:
    if found is None:
        return False
    value = leaf.value
    wanted = value.amount_minor if isinstance(value, Money) else cast(float, value)
    match leaf.operator:
        case "equals":
            return found == wanted
        case "at_least":
            return found >= wanted
        case "at_most":
            return found <= wanted
        case "more_than":
            return found > wanted
        case _:
            return found < wanted


def _date(leaf: Leaf, found: datetime | None, now: datetime) -> bool:
    match leaf.operator:
        case "is_filled" | "is_empty":
            return (found is None) is (leaf.operator == "is_empty")
        case "in_last_days" | "not_in_last_days":
            recent = found is not None and found > now - timedelta(days=cast(int, leaf.value))
            return recent is (leaf.operator == "in_last_days")
        case _ if found is None:
            return False
        case "before":
            return found < cast(datetime, leaf.value)
        case _:
            return found >= cast(datetime, leaf.value)


def explain(
    condition: Condition, traits: Traits, now: datetime, names: Names = MappingProxyType({})
) -> dict[str, Any]:
    """The tree with the truth of each part, and of each question what was found and its words."""
    told = {"holds": holds(condition, traits, now)}
    match condition:
        case Leaf():
            found = traits.get(condition.trait)
            shown = names.get(found, found) if isinstance(found, str) else found
            return {**describe(condition, names), "found": shown, **told}
        case Not():
            return {"not": explain(condition.part, traits, now, names), **told}
        case Group():
            parts = [explain(part, traits, now, names) for part in condition.parts]
            return {condition.of: parts, **told}


def describe(condition: Condition, names: Names = MappingProxyType({})) -> dict[str, Any]:
    """The tree with its words, whoever it is asked about."""
    match condition:
        case Leaf():
            return {
                "field": condition.field.name,
                "label": names.get(condition.field.name, condition.field.label),
                "is": condition.operator,
                "value": condition.said,
                "words": words(condition, names),
            }
        case Not():
            return {"not": describe(condition.part, names)}
        case Group():
            return {condition.of: [describe(part, names) for part in condition.parts]}


def missing(
    condition: Condition, traits: Traits, now: datetime, names: Names = MappingProxyType({})
) -> list[str]:
    """What would have to be otherwise for it to hold, in words; nothing if it holds."""
    return list(_missing(condition, Known(traits, now, names), wanted=True))


@dataclass(frozen=True, slots=True)
class Known:
    """A person at a moment, and what ids are called."""

    traits: Traits
    now: datetime
    names: Names


def _missing(condition: Condition, known: Known, *, wanted: bool) -> Iterator[str]:
    if holds(condition, known.traits, known.now) is wanted:
        return
    match condition:
        case Leaf():
            said = words(condition, known.names)
            yield said if wanted else f"not “{said}”"
        case Not():
            yield from _missing(condition.part, known, wanted=not wanted)
        case Group() if (condition.of == "all") is wanted:
            for part in condition.parts:
                yield from _missing(part, known, wanted=wanted)
        case Group():
            ways = [" and ".join(_missing(p, known, wanted=wanted)) for p in condition.parts]
            yield " or ".join(way for way in ways if way)


def words(leaf: Leaf, names: Names = MappingProxyType({})) -> str:
    """One question as a sentence says it. `names`: what ids and own fields in it are called."""
    value, said = leaf.value, leaf.said
    label = names.get(leaf.field.name, leaf.field.label)
    if isinstance(value, Money):
        said = readable(value.amount_minor, value.currency)
    elif isinstance(said, list):
        said = " or ".join(names.get(str(one), str(one)) for one in said)
    return f"{label} {_phrase(leaf, said)}"


def _phrase(leaf: Leaf, said: Any) -> str:
    match leaf.operator:
        case "in_last_days":
            return f"in the last {said} days"
        case "not_in_last_days":
            return f"not in the last {said} days"
        case "has":
            return f"include {said}"
        case "has_not":
            return f"do not include {said}"
        case operator:
            between = _BETWEEN.get(operator, operator.replace("_", " "))
            return between if said is None else f"{between} {said}"


_BETWEEN = {
    "equals": "is",
    "at_least": "at least",
    "at_most": "at most",
    "contains_not": "does not contain",
    "since": "on or after",
    "is_filled": "is known",
    "is_so": "is so",
    "is_not_so": "is not so",
}
