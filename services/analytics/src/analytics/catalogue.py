"""Every fact and every KPI, listed by hand."""

from __future__ import annotations

from analytics.fact import Fact
from analytics.facts.campaign_message import MESSAGE_CLICKED, MESSAGE_OPENED, MESSAGE_SENT
from analytics.facts.contact_added import COMPANY_ADDED, PERSON_ADDED
from analytics.facts.deal_closed import DEAL_CLOSED
from analytics.facts.pipeline_delta import PIPELINE_DELTA
from analytics.facts.stage_entered import STAGE_ENTERED
from analytics.kpi import Kpi
from analytics.kpis import (
    average_deal,
    campaign_click_rate,
    campaign_open_rate,
    deals_lost,
    deals_won,
    new_companies,
    new_contacts,
    new_deals,
    open_deals,
    open_pipeline,
    revenue_won,
    sales_cycle_days,
    stage_entries,
    weighted_pipeline,
    win_rate,
)
from chassis.errors import NotFound

FACTS: dict[str, Fact] = {
    fact.name: fact
    for fact in (
        DEAL_CLOSED,
        PIPELINE_DELTA,
        STAGE_ENTERED,
        PERSON_ADDED,
        COMPANY_ADDED,
        MESSAGE_SENT,
        MESSAGE_OPENED,
        MESSAGE_CLICKED,
    )
}

KPIS: tuple[Kpi, ...] = (
    win_rate.KPI,
    revenue_won.KPI,
    deals_won.KPI,
    deals_lost.KPI,
    average_deal.KPI,
    sales_cycle_days.KPI,
    open_pipeline.KPI,
    weighted_pipeline.KPI,
    open_deals.KPI,
    new_deals.KPI,
    stage_entries.KPI,
    new_contacts.KPI,
    new_companies.KPI,
    campaign_open_rate.KPI,
    campaign_click_rate.KPI,
)
_BY_NAME = {kpi.name: kpi for kpi in KPIS}


def kpi_named(name: str) -> Kpi:
    """The KPI of this name. Raises NotFound."""
    kpi = _BY_NAME.get(name)
    if kpi is None:
        raise NotFound(
            f"There is no KPI {name}; GET /api/v1/kpis lists them: {', '.join(_BY_NAME)}."
        )
    return kpi
