"""That data was taken out is noted, once."""

from __future__ import annotations

from datetime import UTC, datetime

from chassis.ids import new_id
from chassis.testing.deciders import given
from contacts.domain.export import EXPORT, PERSON_FILE, ExportMade, MakeExport

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ID, ADA = new_id(), new_id()


def test_an_export_says_what_left_and_is_noted_once() -> None:
    command = MakeExport(ID, PERSON_FILE, 1, 1, NOON, ADA, {"channel": "email"})
    made = ExportMade(ID, PERSON_FILE, 1, 1, ADA, {"channel": "email"}, occurred_at=NOON)
    given(EXPORT).when(command).then(made)
    given(EXPORT, made).when(command).then()
