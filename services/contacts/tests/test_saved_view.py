"""What becomes of a saved view: kept, arranged otherwise, shared, taken away."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chassis.errors import BadInput, NotFound
from chassis.ids import new_id
from chassis.testing.deciders import given
from contacts.domain.saved_view import (
    SAVED_VIEW,
    AddSavedView,
    ChangeSavedView,
    Layout,
    RemoveSavedView,
    SavedViewAdded,
    SavedViewArranged,
    SavedViewRemoved,
    SavedViewRenamed,
    SavedViewShared,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ID, ME = new_id(), new_id()
added = SavedViewAdded(
    ID, "North", ME, False, ("city", "tags"), {"tag": "VIP"}, "-activity", occurred_at=NOON
)


def test_a_view_is_kept_without_what_says_nothing() -> None:
    layout = Layout(("city", "tags", "city"), {"tag": " VIP ", "q": "  "}, "-activity")
    given(SAVED_VIEW).when(AddSavedView(ID, " North ", ME, False, layout, NOON)).then(added)


def test_only_what_is_otherwise_changes() -> None:
    changes = {"name": "South", "columns": ["city"], "shared": True}
    given(SAVED_VIEW, added).when(ChangeSavedView(NOON, changes)).then(
        SavedViewRenamed(ID, "South", occurred_at=NOON),
        SavedViewArranged(ID, ("city",), {"tag": "VIP"}, "-activity", occurred_at=NOON),
        SavedViewShared(ID, True, occurred_at=NOON),
    )
    same = {"name": "North", "columns": ["city", "tags"], "filters": {"tag": "VIP"}}
    given(SAVED_VIEW, added).when(ChangeSavedView(NOON, {**same, "shared": False})).then()


@pytest.mark.parametrize(
    ("changes", "saying"),
    [
        ({"name": " "}, "name"),
        ({"columns": ["shoe size"]}, "no column"),
        ({"filters": {"shoe": "42"}}, "no filter"),
        ({"filters": {"owner": "me"}}, "an id"),
        ({"sort": "shoe"}, "one of"),
    ],
)
def test_what_the_list_cannot_show_is_refused(changes: Any, saying: str) -> None:
    given(SAVED_VIEW, added).when(ChangeSavedView(NOON, changes)).then_refused(BadInput, saying)


def test_a_view_that_was_taken_away_is_not_there() -> None:
    gone = SavedViewRemoved(ID, occurred_at=NOON)
    given(SAVED_VIEW, added).when(RemoveSavedView(NOON)).then(gone)
    for command in (RemoveSavedView(NOON), ChangeSavedView(NOON, {"name": "x"})):
        given(SAVED_VIEW, added, gone).when(command).then_refused(NotFound, "no such view")
        given(SAVED_VIEW).when(command).then_refused(NotFound, "no such view")
