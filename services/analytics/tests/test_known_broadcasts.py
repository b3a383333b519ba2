"""Broadcasts by name."""

from __future__ import annotations

from analytics.read_models.known_broadcasts import KNOWN_BROADCASTS, PROJECTION
from analytics.testing import Story
from chassis.testing.projections import project


def test_a_broadcast_is_known_by_its_name(story: Story) -> None:
    spring = story.broadcast("Spring")
    rows = project(PROJECTION, *story.events, workspace=story.workspace)[KNOWN_BROADCASTS]
    assert rows == [{"broadcast_id": spring, "name": "Spring"}]
