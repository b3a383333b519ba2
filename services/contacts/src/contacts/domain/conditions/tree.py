"""A condition as a tree: what may be said, read from JSON and written back. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

from chassis.errors import BadInput
from contacts.domain.conditions.fields import (
    CONSENT,
    CUSTOM,
    OPERATORS,
    RELATIVE,
    WITHOUT_VALUE,
    Field,
    asked_by,
    field_of,
)
from contacts.domain.country import country_key
from contacts.domain.words import folded

DEPTH_MOST = 8
LEAVES_MOST = 50
_TEXT_MOST = 200
_CHOICES_MOST = 100
_DAYS_MOST = 36_500
_NUMBER_MOST = 10**15


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of a currency."""

    amount_minor: int
    currency: str


Value = str | int | float | Money | datetime | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Leaf:
    """One question. `value` is compared, `said` is how it was written."""

    field: Field
    operator: str
    value: Value = None
    said: Any = None

    @property
    def trait(self) -> str:
        """What has to be known of a person to answer it."""
        if isinstance(self.value, Money):
            return f"{self.field.name}:{self.value.currency}"
        if self.field.name.startswith(CUSTOM):
            return f"{self.field.name}:{self.field.kind}"
        return self.field.name


@dataclass(frozen=True, slots=True)
class Group:
    """All or any of these hold; of none at all, all do and any does not."""

    of: Literal["all", "any"]
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """This does not hold."""

    part: Condition


Condition = Leaf | Group | Not


def parse(said: Any) -> Condition:
    """A condition as JSON says it. Raises BadInput that says where it is wrong."""
    condition = _parsed(said, "#/condition", 1)
    leaves = sum(1 for _ in leaves_of(condition))
    if leaves > LEAVES_MOST:
        raise _wrong("#/condition", f"{leaves} conditions are too many; {LEAVES_MOST} are allowed.")
    if not leaves:
        raise _wrong("#/condition", "It says nothing. Add a condition.")
    return condition


def leaves_of(condition: Condition) -> Iterator[Leaf]:
    """All questions in a condition, from left to right."""
    match condition:
        case Leaf():
            yield condition
        case Not():
            yield from leaves_of(condition.part)
        case Group():
            for part in condition.parts:
                yield from leaves_of(part)


def reads(condition: Condition) -> frozenset[str]:
    """What kinds of happenings can change the answer."""
    return frozenset(leaf.field.reads for leaf in leaves_of(condition))


def is_timed(condition: Condition) -> bool:
    """Whether the answer can change by time alone."""
    return any(leaf.operator in RELATIVE for leaf in leaves_of(condition))


def plain(condition: Condition) -> dict[str, Any]:
    """As JSON, in one way of several."""
    match condition:
        case Leaf():
            told = {"field": condition.field.name, "is": condition.operator}
            return told if condition.said is None else {**told, "value": condition.said}
        case Not():
            return {"not": plain(condition.part)}
        case Group():
            return {condition.of: [plain(part) for part in condition.parts]}


def _parsed(said: Any, at: str, depth: int) -> Condition:
    if depth > DEPTH_MOST:
        raise _wrong(at, f"Groups may lie in one another {DEPTH_MOST} deep at most.")
    if not isinstance(said, Mapping):
        raise _wrong(at, "Write an object with `all`, `any`, `not` or `field`.")
    if "field" in said:
        return _leaf(said, at)
    match list(said.items()):
        case [("not", part)]:
            return Not(_parsed(part, f"{at}/not", depth + 1))
        case [(("all" | "any") as of, list() as parts)]:
            found = (_parsed(p, f"{at}/{of}/{i}", depth + 1) for i, p in enumerate(parts))
            return Group(of, tuple(found))
    raise _wrong(at, "Write exactly one of `all` (a list), `any` (a list), `not` and `field`.")


def _leaf(said: Mapping[str, Any], at: str) -> Leaf:
    name, operator = said["field"], said.get("is")
    unknown = set(said) - {"field", "is", "value"}
    if unknown:
        raise _wrong(at, f"{', '.join(sorted(unknown))}: a condition has field, is and value.")
    field = field_of(name) if isinstance(name, str) and len(name) <= _TEXT_MOST else None
    if field is None:
        raise _wrong(
            f"{at}/field",
            f"There is no field {str(name)[:60]}. GET /segments/fields lists them; own fields are "
            "custom.<name>, consents consent.<channel>.<purpose>.",
        )
    if name.startswith(CONSENT):
        field = field_of(name.lower()) or field
    field = asked_by(field, operator)
    known = OPERATORS[field.kind]
    if not isinstance(operator, str) or operator not in known:
        raise _wrong(f"{at}/is", f"{field.name} can be asked so: {', '.join(known)}.")
    if operator in WITHOUT_VALUE:
        return Leaf(field, operator)
    value = said.get("value")
    return Leaf(field, operator, *_value(field, operator, value, f"{at}/value"))


def _value(field: Field, operator: str, value: Any, at: str) -> tuple[Value, Any]:
    match field.kind:
        case "number" if field.name.startswith(CUSTOM):
            return _fraction(value, at), value
        case "number":
            return _number(value, at, _NUMBER_MOST), value
        case "money":
            money = _money(value, at)
            return money, {"amount_minor": money.amount_minor, "currency": money.currency}
        case "date" if operator in RELATIVE:
            return _number(value, at, _DAYS_MOST, least=1), value
        case "date":
            return _moment(value, at), value
        case "choice":
            return _choices(field, value, at)
    text = _text(value, at)
    return folded(text), text


def _choices(field: Field, value: Any, at: str) -> tuple[Value, Any]:
    several = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    if not 0 < len(several) <= _CHOICES_MOST:
        raise _wrong(at, f"Name 1 to {_CHOICES_MOST} values.")
    texts = [_text(one, at) for one in several]
    is_country = field.name.endswith("country")
    keys = [(country_key(text) if is_country else None) or text.lower() for text in texts]
    return tuple(sorted(set(keys))), texts


def _text(value: Any, at: str) -> str:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    if not folded(text) or len(text) > _TEXT_MOST or "\0" in text:
        raise _wrong(at, f"Give a text of 1 to {_TEXT_MOST} characters.")
    return text


def _number(value: Any, at: str, most: int, *, least: int | None = None) -> int:
    lowest = -most if least is None else least
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= most:
        raise _wrong(at, f"Give a whole number between {lowest} and {most}.")
    return value


def _fraction(value: Any, at: str) -> float:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    if not known or not -_NUMBER_MOST <= value <= _NUMBER_MOST:
        raise _wrong(at, f"Give a number between {-_NUMBER_MOST} and {_NUMBER_MOST}.")
    return float(value)


def _money(value: Any, at: str) -> Money:
    if isinstance(value, Mapping) and set(value) == {"amount_minor", "currency"}:
        currency = value["currency"]
        if isinstance(currency, str) and len(currency) == 3 and currency.isascii():
            amount = _number(value["amount_minor"], f"{at}/amount_minor", _NUMBER_MOST)
            return Money(amount, currency.upper())
    raise _wrong(at, 'Give an amount like {"amount_minor": 10000, "currency": "EUR"}.')


def _moment(value: Any, at: str) -> datetime:
    try:
        if isinstance(value, str) and len(value) == len("2026-03-30"):
            day = date.fromisoformat(value)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise _wrong(at, "Give a day like 2026-03-30, or a time like 2026-03-30T14:00:00Z.") from (
            error
        )
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _wrong(at: str, why: str) -> BadInput:
    return BadInput(f"condition: {why}", field="condition", errors=[{"detail": why, "pointer": at}])
