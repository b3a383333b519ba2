"""How well addresses and numbers are told from what are none, on the suites of others.

The figures are in docs/guides/imports.md; a change that makes them worse fails here.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from chassis.errors import BadInput
from contacts.domain.email_address import parse_email
from contacts.domain.entry import Entry
from contacts.domain.phone_number import parse_phone

DATA = Path(__file__).parents[4] / "shared" / "data"
EMAILS, PHONES = DATA / "email_addresses", DATA / "phones"
pytestmark = pytest.mark.skipif(not EMAILS.exists(), reason="the data sets are not here")
ACCEPTED = ("ISEMAIL_VALID_CATEGORY", "ISEMAIL_RFC5321", "ISEMAIL_DNSWARN")


def takes(parse: Callable[[], Any]) -> bool:
    """Whether it is accepted; nothing but a refusal is raised."""
    try:
        parse()
    except BadInput:
        return False
    return True


def score(name: str, judged: Iterable[tuple[bool, bool]]) -> float:
    """The share of right answers of pairs (accepted, should be); printed."""
    pairs = list(judged)
    right = sum(accepted == should for accepted, should in pairs)
    lost = sum(should and not accepted for accepted, should in pairs)
    print(f"{name}: {right} of {len(pairs)} right ({right / len(pairs):.1%}), {lost} refused")
    return right / len(pairs)


def rows(name: str) -> list[dict[str, str]]:
    with (PHONES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def number(text: str, region: str | None) -> str | None:
    """A number as E.164; empty if its country is not known, None if it is refused."""
    try:
        return parse_phone(Entry(text), region).e164 or ""
    except BadInput:
        return None


def test_addresses_of_the_isemail_suite() -> None:
    """What is not right is refused on purpose (17: addresses of machines, domains without a dot,
    quotes), and blanks around an address (2), which are taken off."""
    cases = json.loads((EMAILS / "isemail.json").read_text(encoding="utf-8"))
    judged = (
        (takes(lambda case=case: parse_email(Entry(case["address"]))), case["category"] in ACCEPTED)  # type: ignore[misc]
        for case in cases
    )
    assert score("isemail", judged) >= 0.884


def test_addresses_of_the_email_validator_suite() -> None:
    told = json.loads((EMAILS / "email_validator_2.4.0_tests.json").read_text(encoding="utf-8"))
    wanted = {
        "valid_or_accepted": ("test_email_valid", "test_email_valid_intl_local_part"),
        "rejected": (
            "test_email_invalid_syntax",
            "test_email_unsafe_character",
            "test_email_invalid_syntax_strict",
        ),
    }
    for part in wanted:
        cases = [case for case in told[part] if case["test"] in wanted[part]]
        if part == "valid_or_accepted":  # in quotes and of machines: refused on purpose, see above
            cases = [case for case in cases if not set(case["address"]) & set('"[')]
        judged = (
            (takes(lambda case=case: parse_email(Entry(case["address"]))), part != "rejected")  # type: ignore[misc]
            for case in cases
        )
        assert score(f"email-validator {part}", judged) >= (1.0 if part == "rejected" else 0.91)


@pytest.mark.parametrize("form", ["e164", "international", "rfc3966", "national"])
def test_numbers_of_every_country_are_read_in_every_form(form: str) -> None:
    judged = (
        (number(each[form], each["region"]) == each["e164"], True)
        for each in rows("example_numbers.csv")
    )
    assert score(f"phones, {form}", judged) == 1.0


def test_numbers_with_too_few_digits_are_refused() -> None:
    """Those that are kept have as many digits as numbers of their country may have: which ranges
    are in use changes every week, and a wrong refusal loses a customer."""
    judged = (
        (number(each["e164_invalid"], None) is not None, False)
        for each in rows("invalid_example_numbers.csv")
    )
    assert score("phones that are none", judged) >= 0.71


def test_numbers_as_people_write_them() -> None:
    judged = (
        (number(each["raw"], each["default_region"] or None) == (each["e164"] or None), True)
        if each["possible"]
        else (number(each["raw"], each["default_region"] or None) is not None, False)
        for each in rows("messy_inputs_with_oracle.csv")
    )
    assert score("phones, messy", judged) >= 0.99
