"""Owners, their teams and regions."""

from __future__ import annotations

from analytics.read_models.known_users import KNOWN_TEAMS, KNOWN_USERS, PROJECTION
from analytics.received import TeamRenamed, UserJoinedTeam, UserRenamed
from analytics.testing import Story, noon
from chassis.testing.projections import project


def test_users_and_teams_are_known_as_they_are_now(story: Story) -> None:
    north, south = story.team("North", "Europe"), story.team("South")
    ada = story.user("Ada", north)
    at = noon("2017-01-01")
    story.tell("user", ada, UserRenamed(user_id=ada, name="Ada Lovelace", occurred_at=at))
    story.tell("user", ada, UserJoinedTeam(user_id=ada, team_id=south, occurred_at=at))
    story.tell("team", south, TeamRenamed(team_id=south, name="Sud", region="F", occurred_at=at))
    rows = project(PROJECTION, *story.events, workspace=story.workspace)
    assert rows[KNOWN_USERS] == [{"user_id": ada, "name": "Ada Lovelace", "team_id": south}]
    teams = {row["team_id"]: (row["name"], row["region"]) for row in rows[KNOWN_TEAMS]}
    assert teams == {north: ("North", "Europe"), south: ("Sud", "F")}
