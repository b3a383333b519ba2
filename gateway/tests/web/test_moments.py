"""Where a time machine stops, and histories in which something was undone."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from gateway.web.moments import happened_by, moments, place
from gateway.web.sentences import history_rows

BERLIN = ZoneInfo("Europe/Berlin")
MIRA = {"name": "Mira"}


def entry(id_: str, at: str, sentence: str, **more: Any) -> dict[str, Any]:
    kept = {"id": id_, "at": at, "sentence": sentence, "actor": MIRA, "changes": []}
    return {**kept, "type": "contacts.person-profile-changed.v1", **more}


HISTORY = [
    entry("4", "2026-03-03T12:00:00Z", "changed city", part_of="3", changes=[{"field": "city"}]),
    entry("3", "2026-03-03T12:00:00Z", "undid a change of city", undoes="2"),
    entry("2", "2026-03-02T12:00:00Z", "changed city", undone_by="3", undoable=True),
    entry("1", "2026-03-01T12:00:00Z", "added this person"),
]


def test_a_time_machine_stops_once_where_several_things_happened_at_once() -> None:
    stops = moments(HISTORY, BERLIN)
    assert [stop.said for stop in stops] == [
        "Mira added this person",
        "Mira changed city",
        "Mira undid a change of city",
    ]
    assert stops[0].when == "1 Mar 2026, 13:00"
    crowd = [entry(str(n), HISTORY[0]["at"], f"did {n}") for n in range(4)]
    assert moments(crowd, BERLIN)[0].said == "Mira did 3, did 2 and 2 more"


def test_a_point_stands_at_the_last_moment_before_it_and_no_point_is_now() -> None:
    stops = moments(HISTORY, BERLIN)
    assert place(stops, "") == 3
    assert place(stops, "2026-03-02T12:00:00+00:00") == 1
    assert place(stops, "2026-03-02T11:59:59Z") == 0
    assert place(stops, "2026-03-02") == 1, "a day is its end"
    assert place(stops, "2020-01-01") == 0
    assert happened_by(None, "2026-03-02T12:00:00Z")


def test_what_an_undo_brought_is_told_in_its_row_and_an_undone_undo_counts_no_more() -> None:
    told, undone, _ = history_rows(HISTORY)
    assert [change.field for change in told.changes] == ["city"]
    assert (undone.undone, undone.undoable, told.undone) == (True, True, False)
    rest = [{**each, "kept": ["language"]} if each["id"] == "3" else each for each in HISTORY]
    assert [row.partly for row in history_rows(rest)] == [False, True, False]
    again = entry("5", "2026-03-04T12:00:00Z", "undid a change of city", undoes="3")
    marked = [
        again,
        *({**each, "undone_by": "5"} if each["id"] == "3" else each for each in HISTORY),
    ]
    rows = {row.id: row for row in history_rows(marked)}
    assert (rows["3"].undone, rows["2"].undone) == (True, False)
