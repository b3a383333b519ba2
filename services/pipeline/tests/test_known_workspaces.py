"""Which currency and which time zone does a workspace have?"""

from __future__ import annotations

from chassis.testing.projections import WORKSPACE, History, project
from pipeline.read_models.known_workspaces import KNOWN_WORKSPACES, KNOWN_WORKSPACES_TABLE
from pipeline.received import WorkspaceOpened
from pipeline.testing.lives import on


def test_a_workspace_has_a_currency_and_a_time_zone() -> None:
    event = WorkspaceOpened(
        workspace_id=WORKSPACE, currency="CHF", time_zone="Europe/Zurich", occurred_at=on(1)
    )
    rows = project(KNOWN_WORKSPACES, History().add("workspace", WORKSPACE, event))
    assert rows[KNOWN_WORKSPACES_TABLE] == [{"currency": "CHF", "time_zone": "Europe/Zurich"}]
