"""Cards that address books read: escaped, folded, and the same when read again."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contacts.domain.vcard_file import vcard


def card(**more: Any) -> str:
    person: dict[str, Any] = {
        "id": "0190",
        "name": "Ada Lovelace",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "email": None,
        "emails": [],
        "phones": [],
        "companies": [],
        "tags": [],
    }
    return vcard(person | more)


def test_what_is_known_is_on_it() -> None:
    written = card(
        emails=[{"address": "ada@example.org", "kind": "work", "primary": True}],
        phones=[{"number": "+441", "kind": "mobile"}],
        companies=[{"name": "Engines, Ltd", "role": "Analyst"}],
        birthday="1815-12-10",
        city="London",
        tags=["VIP", "math"],
    ).split("\r\n")
    for line in (
        "EMAIL;TYPE=work;PREF=1:ada@example.org",
        "TEL;TYPE=cell;VALUE=text:+441",
        "group1.ORG:Engines\\, Ltd",
        "group1.TITLE:Analyst",
        "BDAY:18151210",
        "ADR:;;;London;;;",
        "CATEGORIES:VIP,math",
    ):
        assert line in written, line


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300))
def test_no_line_is_too_long_and_nothing_is_lost_by_folding(name: str) -> None:
    written = card(first_name=name)
    assert all(len(line.encode()) <= 75 for line in written.split("\r\n"))
    whole = written.replace("\r\n ", "")
    [line] = [line for line in whole.split("\r\n") if line.startswith("N:")]
    escaped = name.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")
    assert line == f"N:Lovelace;{escaped};;;"


def test_line_breaks_are_escaped() -> None:
    assert "N:Lovelace;A\\nB;;;" in card(first_name="A\r\nB").split("\r\n")
