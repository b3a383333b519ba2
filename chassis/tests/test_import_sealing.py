"""What an import keeps opens with its own key alone; match keys are not kept at all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from chassis.clock import SystemClock
from chassis.errors import Tampered
from chassis.ids import new_id
from chassis.imports import ImportRow, ImportRun
from chassis.imports.likeness import likeness, repeats
from chassis.imports.sealing import Seal, Seen
from chassis.vault import Keyring


def test_what_is_sealed_opens_as_what_it_was_with_its_own_key_alone() -> None:
    keyring, workspace, import_id = Keyring(b"k" * 32), new_id(), new_id()
    seal, wrapped = Seal.new(keyring, workspace, import_id)
    sealed = seal.close("row 7", b"Ada")
    assert Seal.of(keyring, workspace, import_id, wrapped).open("row 7", sealed) == b"Ada"
    other, _ = Seal.new(keyring, workspace, new_id())
    for opener, part in ((seal, "row 8"), (other, "row 7")):
        with pytest.raises(Tampered):
            opener.open(part, sealed)
    with pytest.raises(Tampered):
        Seal.of(Keyring(b"x" * 32), workspace, import_id, wrapped)


def test_match_keys_are_looked_up_without_being_kept() -> None:
    keyring, workspace, import_id, id_ = Keyring(b"k" * 32), new_id(), new_id(), new_id()
    seen = Seen(keyring, workspace, import_id, {})
    seen["email ada@x.example"] = id_
    assert (seen["email ada@x.example"], len(seen)) == (id_, 1)
    assert "email bea@x.example" not in seen
    assert "ada" not in str(vars(seen))
    again = Seen(keyring, workspace, import_id, {seen.hashed("email ada@x.example"): id_})
    assert again.get("email ada@x.example") == id_
    elsewhere = Seen(keyring, workspace, new_id(), {})
    assert elsewhere.hashed("email ada@x.example") != seen.hashed("email ada@x.example")
    with pytest.raises(TypeError):
        list(seen)
    del seen["email ada@x.example"]
    assert len(seen) == 0


def row(number: int, **values: str) -> ImportRow:
    return ImportRow(number, values)


def test_a_row_is_alike_whatever_its_case_blanks_and_the_order_of_its_columns() -> None:
    service = cast(Any, SimpleNamespace(keyring=Keyring(b"k" * 32)))
    run = ImportRun(service, new_id(), new_id(), str(new_id()), SystemClock().now())
    ada = likeness(run, "contacts", row(1, name="Ada  Lovelace", city="Köln"))
    assert ada == likeness(run, "contacts", row(9, city="KO\u0308LN", name=" ada lovelace"))
    others = (
        likeness(run, "deals", row(1, name="Ada Lovelace", city="Köln")),
        likeness(run, "contacts", row(1, name="Ada Lovelace", city="Köln"), before=1),
        likeness(run, "contacts", row(1, name="Ada Lovelace")),
        likeness(run, "contacts", row(1, name="Köln", city="Ada Lovelace")),
    )
    assert ada not in others
    assert len(set(others)) == len(others)
    elsewhere = ImportRun(service, run.id, new_id(), run.actor, run.now)
    assert ada != likeness(elsewhere, "contacts", row(1, name="Ada Lovelace", city="Köln"))


def test_rows_that_say_the_same_are_counted_in_the_order_of_the_file() -> None:
    rows = [row(1, a="x"), row(2, a="y"), row(3, a=" X"), row(4, a="x", b="z"), row(5, a="x")]
    assert repeats(rows) == {3: 1, 5: 2}
