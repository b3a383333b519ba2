"""Which currency does a workspace have?"""

from __future__ import annotations

from datetime import UTC, datetime

from chassis.testing.projections import WORKSPACE, History, project
from contacts.read_models.known_workspaces import KNOWN_WORKSPACES, KNOWN_WORKSPACES_PROJECTION
from contacts.received import WorkspaceOpened

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_a_workspace_has_the_currency_it_was_opened_with() -> None:
    opened = WorkspaceOpened(WORKSPACE, "CHF", occurred_at=NOON)
    rows = project(KNOWN_WORKSPACES_PROJECTION, History().add("workspace", WORKSPACE, opened))
    assert rows[KNOWN_WORKSPACES] == [{"currency": "CHF"}]
