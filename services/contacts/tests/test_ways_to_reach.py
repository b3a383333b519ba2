"""E-mail addresses, phone numbers, countries and words: kept as entered, compared normalised."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from chassis.errors import BadInput
from contacts.domain.country import NAMES, country_code, country_key, country_name
from contacts.domain.email_address import EmailAddress, parse_email, parse_emails
from contacts.domain.entry import Entry, with_one_primary
from contacts.domain.phone_number import matched_as, parse_phone, parse_phones
from contacts.domain.words import folded, tidy, tidy_tags, words

DATA = Path(__file__).parents[4] / "shared" / "data"


def test_an_address_is_kept_as_entered_and_folded_for_matching() -> None:
    email = parse_email(Entry(" Siobhán@Kells-Press.EXAMPLE "))
    assert email == EmailAddress(
        "Siobhán@Kells-Press.EXAMPLE", "work", False, "siobhán@kells-press.example"
    )


@pytest.mark.parametrize("text", ["ada", "ada@", "@x.de", "a b@x.de", "a..b@x.de", "ada@localhost"])
def test_what_is_no_address_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_email(Entry(text), pointer="#/emails/2/address")
    assert refused.value.extra["field"] == "email"
    assert refused.value.extra["errors"][0]["pointer"] == "#/emails/2/address"
    assert text in refused.value.detail


def test_the_same_mailbox_is_kept_once_and_one_is_primary() -> None:
    emails = parse_emails([Entry("A@x.de"), Entry("a@X.de"), Entry("b@x.de", "home", True)])
    assert [(e.address, e.primary) for e in emails] == [("A@x.de", False), ("b@x.de", True)]
    assert with_one_primary(()) == ()
    with pytest.raises(BadInput, match="no kind 'fun'"):
        parse_email(Entry("a@x.de", "fun"))


@pytest.mark.parametrize(
    ("text", "region", "e164"),
    [
        ("+46 8 555 010 01", None, "+46855501001"),
        ("(01) 555 0134", "IE", "+35315550134"),
        ("04 50 55 01 22", "FR", "+33450550122"),
        ("+1 212 555 0100 ext. 9", None, "+12125550100"),
        ("(01) 555 0134", None, None),
        ("555-0142 ext. 9", None, None),
    ],
)
def test_a_number_is_kept_as_entered_with_its_e164_where_known(
    text: str, region: str | None, e164: str | None
) -> None:
    phone = parse_phone(Entry(text), region)
    assert (phone.number, phone.e164) == (text, e164)


@pytest.mark.parametrize(
    ("text", "region"), [("abc", None), ("12", None), ("+999 123", None), ("1", "DE"), ("x", "DE")]
)
def test_what_is_no_number_is_refused_with_the_reason(text: str, region: str | None) -> None:
    with pytest.raises(BadInput) as refused:
        parse_phone(Entry(text), region)
    assert refused.value.extra["errors"][0]["pointer"] == "#/phone"


def test_two_spellings_of_one_number_are_one() -> None:
    phones = parse_phones([Entry("030 1234567"), Entry("+49 30 1234567"), Entry("110")], "DE")
    assert [matched_as(phone) for phone in phones] == ["49301234567", "49110"]


def test_countries_go_by_many_names() -> None:
    for text in ("DE", "germany", " GERMANY", "Deutschland"):
        assert (country_code(text), country_name(text), country_key(text)) == (
            "DE",
            "Germany",
            "DE",
        )
    assert country_code("Philipines") is None
    assert (country_name("Narnia"), country_key("Närnia")) == ("Narnia", "narnia")
    assert (country_code(None), country_key("")) == (None, None)
    assert len(NAMES) > 240


def test_words_are_compared_without_case_accents_and_signs() -> None:
    assert folded(" Zoë  ÖSTERGÅRD ") == "zoe ostergard"
    assert folded("Łódź Straße Ørsted") == "lodz strasse orsted"
    assert words("O'Connor & Sons, Sons") == ["o", "connor", "sons"]
    assert words("李 小龍") == ["李", "小龍"]
    assert tidy_tags((" VIP", "vip", "", "a  b")) == ("VIP", "a b")
    assert tidy("  ", "name") is None
    with pytest.raises(BadInput, match="name"):
        tidy("x" * 300, "name")


@pytest.mark.skipif(not DATA.exists(), reason="the data sets are not on this machine")
def test_real_addresses_and_numbers_are_read_like_their_oracles() -> None:
    """Not a single valid number of the world is refused, and every plainly wrong one is."""
    with (DATA / "phones" / "example_numbers.csv").open() as file:
        for row in csv.DictReader(file):
            for written in ("e164", "international"):
                assert parse_phone(Entry(row[written]), None).e164 == row["e164"]
    suite = json.loads((DATA / "email_addresses" / "isemail.json").read_text())
    wrong = [case["address"] for case in suite if case["category"].endswith("ERR")]
    inside = [address for address in wrong if address == address.strip()]  # blanks are trimmed
    assert len(inside) == 50
    for address in inside:
        with pytest.raises(BadInput):
            parse_email(Entry(address))
