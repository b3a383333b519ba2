"""Products with their series."""

from __future__ import annotations

from analytics.read_models.known_products import KNOWN_PRODUCTS, PROJECTION
from analytics.received import ProductRenamed
from analytics.testing import Story, noon
from chassis.testing.projections import project


def test_a_product_is_known_as_it_is_now(story: Story) -> None:
    lamp = story.product("Lamp", "Light")
    renamed = ProductRenamed(
        product_id=lamp, name="Lamp 2", series="Lights", occurred_at=noon("2017-01-01")
    )
    story.tell("product", lamp, renamed)
    rows = project(PROJECTION, *story.events, workspace=story.workspace)[KNOWN_PRODUCTS]
    assert rows == [{"product_id": lamp, "name": "Lamp 2", "series": "Lights"}]
