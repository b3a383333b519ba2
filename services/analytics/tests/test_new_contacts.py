"""New contacts: how many people were added."""

from __future__ import annotations

import pytest

from analytics.kpis.new_contacts import KPI
from analytics.testing import Bench, Story

pytestmark = pytest.mark.integration


async def test_people_count_companies_do_not(bench: Bench, story: Story) -> None:
    ada = story.user("Ada", story.team("North", "Europe"))
    story.person("2017-01-10", owner_id=ada, source="web", country="DE")
    story.person("2017-01-31", source="web")
    story.person("2017-03-01", known="2017-04-01", source="fair")
    story.company("Acme", on="2017-01-10")
    await bench.load(story)
    assert await bench.value(KPI.name, story) == 3
    by_month = await bench.series(KPI.name, story, "month")
    assert by_month == {"2017-01": 2, "2017-02": 0, "2017-03": 1}
    assert await bench.series(KPI.name, story, "source") == {"web": 2, "fair": 1}
    assert await bench.series(KPI.name, story, "region") == {"No region": 2, "Europe": 1}
    assert await bench.value(KPI.name, story, filter_country="DE") == 1
    assert await bench.value(KPI.name, story, known_at="2017-03-15") == 2
    assert await bench.value(KPI.name, story, as_of="2017-02-15") == 2
