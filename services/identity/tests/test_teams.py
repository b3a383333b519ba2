"""Which teams there are: one row per team."""

from __future__ import annotations

from datetime import UTC, datetime

from chassis.ids import new_id
from chassis.testing.projections import History, project
from identity.domain.team import TeamFormed, TeamRenamed
from identity.read_models.teams import TEAMS, TEAMS_LIST

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_team_is_shown_with_its_last_name_and_region() -> None:
    book, north = History(), new_id()
    formed = book.add("team", north, TeamFormed(north, "Nord", None, "T1", occurred_at=NOON))
    renamed = book.add("team", north, TeamRenamed(north, "Nörd", "Oslo", "Nord", occurred_at=NOON))
    assert project(TEAMS_LIST, formed, renamed)[TEAMS] == [
        {
            "team_id": north,
            "name": "Nörd",
            "name_folded": "nord",
            "region": "Oslo",
            "external_id": "T1",
            "version": 2,
        }
    ]
