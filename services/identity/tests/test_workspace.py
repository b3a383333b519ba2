"""Workspaces are opened and settled."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from chassis.errors import BadInput, Conflict, NotFound
from chassis.ids import new_id
from chassis.testing.deciders import given
from identity.domain.workspace import (
    WORKSPACE,
    OpenWorkspace,
    SettleWorkspace,
    TimeZoneChosen,
    WorkspaceOpened,
    WorkspaceRenamed,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHOP = new_id()
OPEN = OpenWorkspace(SHOP, "Bookshop", "EUR", "UTC", NOON)
OPENED = WorkspaceOpened(SHOP, "Bookshop", "EUR", "UTC", occurred_at=NOON)


def test_a_workspace_is_opened_once() -> None:
    given(WORKSPACE).when(OPEN).then(OPENED)
    given(WORKSPACE, OPENED).when(OPEN).then_refused(Conflict)


def test_a_workspace_needs_a_name_and_a_currency() -> None:
    given(WORKSPACE).when(replace(OPEN, name=" ")).then_refused(BadInput, "1 to 120")
    given(WORKSPACE).when(replace(OPEN, currency="Euro")).then_refused(BadInput, "ISO 4217")


def test_only_what_differs_is_settled() -> None:
    given(WORKSPACE, OPENED).when(SettleWorkspace("Bookshop", "UTC", NOON)).then_nothing()
    given(WORKSPACE, OPENED).when(SettleWorkspace(None, None, NOON)).then_nothing()
    given(WORKSPACE, OPENED).when(SettleWorkspace("Books", "Europe/Rome", NOON)).then(
        WorkspaceRenamed(SHOP, "Books", occurred_at=NOON),
        TimeZoneChosen(SHOP, "Europe/Rome", occurred_at=NOON),
    )


def test_what_is_not_open_is_not_settled() -> None:
    given(WORKSPACE).when(SettleWorkspace("Books", None, NOON)).then_refused(NotFound)
