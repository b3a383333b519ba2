"""A crowd as a business knows it: colleagues who share a company, a place and a switchboard, and
some people who are in it twice, with slips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from random import Random

from contacts.domain.duplicates.traits import Traits, name_traits, profile_traits, traits

_SYLLABLES = (
    "ba be bi bo da de di do ka ke ki la le li lo ma me mi mo na ne ni ra re ri ro sa se si "
)
_SYLLABLES += "so ta te ti to va ve vi vo fa fe"
_COMMON_FIRST = (
    "anna ben carla david emma felix greta hans ida jonas klara lukas maria noah olga paul"
)
_COMMON_LAST = "smith miller jones brown taylor wilson evans thomas roberts walker wright clark"
_DUPLICATES = 0.05
_COLLEAGUES = 8


@dataclass(frozen=True)
class Somebody:
    """`person`: who it is; records of one person have the same one."""

    person: int
    first: str
    last: str
    email: str | None
    phone: str | None
    birthday: date | None
    city: str
    postcode: str
    company: str

    def traits(self) -> Traits:
        """What is compared."""
        return traits(
            name_traits(self.first, self.last),
            profile_traits(self.birthday, self.city, {"postcode": self.postcode}),
            emails=[self.email] if self.email else (),
            phones=[self.phone] if self.phone else (),
            companies=[self.company],
        )


def crowd(count: int, seed: int = 7) -> list[Somebody]:
    """So many records; the same ones for the same seed."""
    chance = Random(seed)
    firsts = _COMMON_FIRST.split() * 40 + [_word(chance) for _ in range(3_000)]
    lasts = _COMMON_LAST.split() * 40 + [_word(chance) for _ in range(20_000)]
    places = [(_word(chance), f"{chance.randrange(10_000, 99_999)}") for _ in range(2_500)]
    firms = [
        (f"{_word(chance)} {chance.choice(('gmbh', 'ltd', 'inc'))}", chance.choice(places), n)
        for n in range(max(count // _COLLEAGUES, 1))
    ]
    made: list[Somebody] = []
    for number in range(count):
        if number > _COLLEAGUES and chance.random() < _DUPLICATES:
            made.append(_slipped(chance, chance.choice(made)))
            continue
        name, (city, postcode), firm = chance.choice(firms)
        first, last = chance.choice(firsts), chance.choice(lasts)
        address = f"{first}.{last}@{name.split()[0]}{firm}.example"
        own = f"49{chance.randrange(10**9, 10**10)}"
        born = date(1940 + chance.randrange(65), chance.randint(1, 12), chance.randint(1, 28))
        made.append(
            Somebody(
                number,
                first,
                last,
                address if chance.random() < 0.8 else None,
                f"4930{firm:07d}"
                if chance.random() < 0.2
                else own
                if chance.random() < 0.5
                else None,
                born if chance.random() < 0.2 else None,
                city,
                postcode,
                name,
            )
        )
    return made


def pairs_of_one(people: Sequence[Somebody]) -> Iterator[tuple[int, int]]:
    """The places of all pairs of records of one person."""
    places: dict[int, list[int]] = {}
    for place, somebody in enumerate(people):
        places.setdefault(somebody.person, []).append(place)
    for same in places.values():
        for number, left in enumerate(same):
            for right in same[number + 1 :]:
                yield left, right


def _word(chance: Random) -> str:
    return "".join(chance.choice(_SYLLABLES.split()) for _ in range(chance.randint(2, 4)))


def _slipped(chance: Random, somebody: Somebody) -> Somebody:
    """The same person again, with one or two things mistyped, missing or changed."""
    for _ in range(chance.randint(1, 2)):
        match chance.randrange(6):
            case 0:
                somebody = replace(somebody, first=_mistyped(chance, somebody.first))
            case 1:
                somebody = replace(somebody, last=_mistyped(chance, somebody.last))
            case 2:
                somebody = replace(somebody, email=None)
            case 3:
                somebody = replace(somebody, phone=None)
            case 4:
                somebody = replace(somebody, birthday=None)
            case _:
                address = f"{somebody.first[:1]}{somebody.last}@mail.example"
                somebody = replace(somebody, email=address)
    return somebody


def _mistyped(chance: Random, word: str) -> str:
    at = chance.randrange(max(len(word) - 1, 1))
    match chance.randrange(3):
        case 0:
            return word[:at] + word[at + 1 :] or word
        case 1:
            return word[:at] + word[at + 1 : at + 2] + word[at : at + 1] + word[at + 2 :]
        case _:
            return word[:at] + chance.choice("aeioklmnst") + word[at + 1 :]
