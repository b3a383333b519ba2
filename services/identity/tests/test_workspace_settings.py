"""What a workspace is called and counts in."""

from __future__ import annotations

from datetime import UTC, datetime

from chassis.testing.projections import WORKSPACE, History, project
from identity.domain.workspace import TimeZoneChosen, WorkspaceOpened, WorkspaceRenamed
from identity.read_models.workspace_settings import WORKSPACE_SETTINGS, WORKSPACES

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_workspace_is_shown_as_last_settled() -> None:
    book = History()
    events = [
        WorkspaceOpened(WORKSPACE, "Shop", "EUR", "UTC", occurred_at=NOON),
        WorkspaceRenamed(WORKSPACE, "Books", occurred_at=NOON),
        TimeZoneChosen(WORKSPACE, "Europe/Rome", occurred_at=NOON),
    ]
    recorded = [book.add("workspace", WORKSPACE, event) for event in events]
    assert project(WORKSPACE_SETTINGS, *recorded)[WORKSPACES] == [
        {
            "id": WORKSPACE,
            "name": "Books",
            "currency": "EUR",
            "time_zone": "Europe/Rome",
            "opened_at": NOON,
            "version": 3,
        }
    ]
