"""Which records are of one person: on made-up crowds, and on labelled FEBRL files if present."""

from __future__ import annotations

import csv
import time
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from contacts.domain.duplicates.blocking import keys_of
from contacts.domain.duplicates.clusters import clusters
from contacts.domain.duplicates.comparing import (
    ALIKE,
    CLOSE,
    DIFFERENT,
    SAME,
    UNKNOWN,
    compare,
    level,
)
from contacts.domain.duplicates.model import MATCH, Scale, usual_model
from contacts.domain.duplicates.scanning import learn, pairs_of, scan
from contacts.domain.duplicates.traits import Traits, name_traits, profile_traits, traits
from contacts.testing.crowd import crowd, pairs_of_one

FEBRL = Path(__file__).parents[4] / "shared" / "data" / "dedup_febrl"
FIELDS = ("first_name", "last_name", "email", "phone", "birthday", "city", "company")


def person(first: str, last: str, **more: Any) -> Traits:
    born: date | None = more.pop("birthday", None)
    profile = profile_traits(born, more.pop("city", None), more.pop("custom", {}))
    return traits(name_traits(first, last), profile, **more)


def f1(found: set[tuple[int, int]], truth: set[tuple[int, int]]) -> float:
    return 2 * len(found & truth) / (len(found) + len(truth))


def likely(records: list[Traits]) -> set[tuple[int, int]]:
    return {(pair.left, pair.right) for pair in scan(records).pairs if pair.probability >= MATCH}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("catherine", "catherine", SAME),
        ("catherine", "catherne", CLOSE),
        ("catherine", "katherine", CLOSE),
        ("robertson", "roberts", CLOSE),
        ("j", "john", ALIKE),
        ("12 high street", "high street", ALIKE),
        ("mary", "john", DIFFERENT),
        ("19081209", "19081299", CLOSE),
        ("19081209", "19081294", ALIKE),
        ("19081209", "19751124", DIFFERENT),
        ("12", "13", ALIKE),
    ],
)
def test_values_agree_to_a_degree(one: str, other: str, expected: int) -> None:
    assert level(one, other) == level(other, one) == expected


def test_what_one_of_the_two_does_not_say_is_unknown() -> None:
    agreement = compare(person("Ada", "Byron", city="London"), person("Ada", ""), FIELDS)
    assert list(agreement) == [SAME, *[UNKNOWN] * 6]


def test_names_that_changed_places_agree() -> None:
    agreement = compare(person("Byron", "Augusta"), person("Augusta", "Byron"), FIELDS)
    assert list(agreement[:2]) == [SAME, SAME]


def test_a_mailbox_that_is_called_like_its_owner_says_no_more_than_the_name() -> None:
    one = person("Ada", "Byron", emails=["ada.byron@one.example"])
    other = person("Ada", "Byron", emails=["ada.byron@two.example"])
    assert compare(one, other, FIELDS)[2] == DIFFERENT
    one = person("Ada", "Byron", emails=["countess1815@one.example"])
    other = person("Ada", "King", emails=["countess1815@two.example"])
    assert compare(one, other, FIELDS)[2] == CLOSE


def test_what_is_known_from_the_start_tells_a_slip_from_a_namesake() -> None:
    model = usual_model(FIELDS, 500)
    ada = person("Ada", "Lovelace", emails=["ada@x.example"], city="London")
    slip = person("Ada", "Lovelase", emails=["ada@x.example"])
    other = person("Ada", "Lovell", emails=["lovell@y.example"], city="Leeds")

    def chance(one: Traits, two: Traits) -> float:
        return Scale(model).probability(compare(one, two, FIELDS), one, two)

    assert chance(ada, slip) > 0.95
    assert chance(ada, other) < 0.05


def test_keys_are_shared_in_spite_of_slips() -> None:
    one = keys_of(person("Jon", "Smith", emails=["jon@x.example"]), FIELDS)
    assert one & keys_of(person("John", "Smyth"), FIELDS)
    assert one & keys_of(person("Smith", "Jon"), FIELDS)
    assert one & keys_of(person("J", "S", emails=["jon@x.example"]), FIELDS)
    assert not one & keys_of(person("Mary", "Miller", emails=["m@x.example"]), FIELDS)


def test_a_key_that_many_have_makes_no_pairs() -> None:
    assert pairs_of([frozenset({1})] * 41) == set()
    assert pairs_of([frozenset({1}), frozenset({1, 2}), frozenset({2})]) == {0 * 3 + 1, 1 * 3 + 2}


def test_duplicates_are_found_among_colleagues_and_namesakes_without_labels() -> None:
    people = crowd(8_000)
    found = likely([somebody.traits() for somebody in people])
    assert f1(found, set(pairs_of_one(people))) >= 0.97


def test_the_same_records_make_the_same_model() -> None:
    records = [somebody.traits() for somebody in crowd(1_000)]
    assert learn(records) == learn(records)


def test_a_few_records_are_no_reason_to_forget_what_is_usual() -> None:
    alone = [person("Ada", "Byron"), person("Mary", "Shelley"), person("Ada", "Byron")]
    assert likely(alone) <= {(0, 2)}
    assert likely([]) == set()


def test_pairs_make_clusters() -> None:
    assert clusters([(1, 2), (4, 5), (2, 3), (9, 5)]) == [[1, 2, 3], [9, 4, 5]]


def test_a_quarter_of_a_hundred_thousand_people_takes_no_more_than_its_part_of_a_minute() -> None:
    people = crowd(25_000)
    records = [somebody.traits() for somebody in people]
    began = time.process_time()
    found = likely(records)
    assert time.process_time() - began < 30
    assert f1(found, set(pairs_of_one(people))) >= 0.97


def febrl(*names: str) -> tuple[list[Traits], set[tuple[int, int]]]:
    """The records of FEBRL files as contacts, and which are of one person."""
    rows = [row for name in names for row in csv.reader((FEBRL / name).read_text().splitlines())]
    header = [column.strip() for column in rows[0]]
    told = [dict(zip(header, map(str.strip, row), strict=True)) for row in rows if row != rows[0]]
    records, people = [], dict[str, list[int]]()
    for place, row in enumerate(told):
        people.setdefault(row["rec_id"].split("-")[1], []).append(place)
        try:
            born = datetime.strptime(row["date_of_birth"], "%Y%m%d").date()  # noqa: DTZ007
        except ValueError:
            born = None  # as everywhere, what is no day is no birthday
        others = ("street_number", "address_1", "address_2", "postcode", "state", "soc_sec_id")
        custom = {name: row[name] for name in others if row[name]}
        records.append(
            person(
                row["given_name"], row["surname"], birthday=born, city=row["suburb"], custom=custom
            )
        )
    truth = {(a, b) for same in people.values() for n, a in enumerate(same) for b in same[n + 1 :]}
    return records, truth


@pytest.mark.parametrize(
    ("files", "least"),
    [
        (("dataset1.csv",), 0.99),
        (("dataset2.csv",), 0.99),
        (("dataset3.csv",), 0.97),
        (("dataset4a.csv", "dataset4b.csv"), 0.97),
    ],
)
def test_febrl_duplicates_are_found_without_their_labels(
    files: tuple[str, ...], least: float
) -> None:
    if not all((FEBRL / name).exists() for name in files):
        pytest.skip(f"{FEBRL} does not have {', '.join(files)}")
    records, truth = febrl(*files)
    assert f1(likely(records), truth) >= least
