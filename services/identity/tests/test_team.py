"""Teams are formed and renamed."""

from __future__ import annotations

from datetime import UTC, datetime

from chassis.errors import BadInput, Conflict, NotFound
from chassis.ids import new_id
from chassis.testing.deciders import given
from identity.domain.team import TEAM, FormTeam, RenameTeam, TeamFormed, TeamRenamed, claims

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NORTH = new_id()
FORMED = TeamFormed(NORTH, "North", "Oslo", occurred_at=NOON)


def test_a_team_is_formed_once() -> None:
    given(TEAM).when(FormTeam(NORTH, "  North ", " Oslo ", NOON)).then(FORMED)
    given(TEAM, FORMED).when(FormTeam(NORTH, "North", None, NOON)).then_refused(Conflict)
    given(TEAM).when(FormTeam(NORTH, " ", None, NOON)).then_refused(BadInput)


def test_a_team_without_a_region_has_none() -> None:
    plain = TeamFormed(NORTH, "North", None, occurred_at=NOON)
    given(TEAM).when(FormTeam(NORTH, "North", "  ", NOON)).then(plain)


def test_a_team_that_is_renamed_gives_its_name_back() -> None:
    renamed = TeamRenamed(NORTH, "South", "Rome", "North", occurred_at=NOON)
    given(TEAM, FORMED).when(RenameTeam("South", "Rome", NOON)).then(renamed)
    assert [(c.value, c.release) for c in claims(renamed)] == [("north", True), ("south", False)]


def test_another_region_leaves_the_name_where_it_is() -> None:
    moved = TeamRenamed(NORTH, "North", "Rome", None, occurred_at=NOON)
    given(TEAM, FORMED).when(RenameTeam("North", "Rome", NOON)).then(moved)
    assert list(claims(moved)) == []
    given(TEAM, FORMED).when(RenameTeam("North", "Oslo", NOON)).then_nothing()


def test_what_is_not_there_is_not_renamed() -> None:
    given(TEAM).when(RenameTeam("North", None, NOON)).then_refused(NotFound)


def test_names_that_differ_in_case_or_accents_only_are_the_same() -> None:
    first = TeamFormed(NORTH, "Équipe  Ouest", None, "T1", occurred_at=NOON)
    assert [(c.kind, c.value) for c in claims(first)] == [
        ("team_name", "equipe ouest"),
        ("team_external_id", "T1"),
    ]
