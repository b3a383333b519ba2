"""With which view the list opens for somebody."""

from __future__ import annotations

from datetime import UTC, datetime

from chassis.ids import new_id
from chassis.testing.deciders import given
from contacts.domain.default_view import DEFAULT_VIEW, ChooseDefaultView, DefaultViewChosen

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ME, ONE, OTHER = new_id(), new_id(), new_id()
chosen = DefaultViewChosen(ME, ONE, occurred_at=NOON)


def test_the_latest_choice_counts_and_is_made_once() -> None:
    given(DEFAULT_VIEW).when(ChooseDefaultView(ME, ONE, NOON)).then(chosen)
    given(DEFAULT_VIEW, chosen).when(ChooseDefaultView(ME, ONE, NOON)).then()
    for view in (OTHER, None):
        given(DEFAULT_VIEW, chosen).when(ChooseDefaultView(ME, view, NOON)).then(
            DefaultViewChosen(ME, view, occurred_at=NOON)
        )
