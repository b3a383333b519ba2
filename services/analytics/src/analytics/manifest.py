"""The table of contents of analytics: facts, what is known of what they are about, KPIs, live."""

from __future__ import annotations

from analytics.api import kpis, live
from analytics.facts import (
    campaign_message,
    contact_added,
    deal_closed,
    pipeline_delta,
    stage_entered,
)
from analytics.read_models import (
    known_broadcasts,
    known_companies,
    known_deals,
    known_pipelines,
    known_products,
    known_users,
    kpi_rollup,
)
from analytics.rollup_check import rollup_equals_facts
from analytics.schema import SCHEMA
from chassis.events import Event
from chassis.manifest import Manifest

PROJECTIONS = (
    deal_closed.PROJECTION,
    pipeline_delta.PROJECTION,
    stage_entered.PROJECTION,
    contact_added.PROJECTION,
    campaign_message.PROJECTION,
    kpi_rollup.PROJECTION,
    known_deals.PROJECTION,
    known_users.PROJECTION,
    known_companies.PROJECTION,
    known_products.PROJECTION,
    known_pipelines.PROJECTION,
    known_broadcasts.PROJECTION,
)
RECEIVED: tuple[type[Event], ...] = tuple(
    dict.fromkeys(event for projection in PROJECTIONS for event in projection.events)
)

MANIFEST = Manifest(
    "analytics",
    projections=PROJECTIONS,
    received=RECEIVED,
    follows=(
        "deal",
        "person",
        "company",
        "message",
        "broadcast",
        "user",
        "team",
        "pipeline",
        "product",
    ),
    routers=(kpis.router, live.router),
    schema=SCHEMA,
    checks=(rollup_equals_facts,),
)
