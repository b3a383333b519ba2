"""New companies: how many were added."""

from __future__ import annotations

import pytest

from analytics.kpis.new_companies import KPI
from analytics.testing import Bench, Story

pytestmark = pytest.mark.integration


async def test_companies_count_people_do_not(bench: Bench, story: Story) -> None:
    story.company("Acme", "toys", on="2017-01-10", country="FR")
    story.company("Bell", "toys", on="2017-02-10")
    story.person("2017-01-10")
    await bench.load(story)
    assert await bench.series(KPI.name, story, "month") == {"2017-01": 1, "2017-02": 1}
    assert await bench.series(KPI.name, story, "sector") == {"toys": 2}
    assert await bench.series(KPI.name, story, "country") == {"FR": 1, "No country": 1}
