"""Names of broadcasts."""

from __future__ import annotations

from datetime import UTC, datetime

from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.read_models.known_broadcasts import KNOWN_BROADCASTS, KNOWN_BROADCASTS_PROJECTION
from contacts.received import BroadcastStarted

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_a_broadcast_that_started_has_a_name() -> None:
    news = new_id()
    started = BroadcastStarted(news, "Spring news", occurred_at=NOON)
    rows = project(KNOWN_BROADCASTS_PROJECTION, History().add("broadcast", news, started))
    assert rows[KNOWN_BROADCASTS] == [{"broadcast_id": news, "name": "Spring news"}]
