"""A row of a file of deals, read as far as it can be read by itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from chassis.errors import BadInput
from chassis.imports import ImportField, ImportRow
from pipeline.domain.money import check_currency
from pipeline.domain.naming import squeezed
from pipeline.imports.cells import BadCell, amount, day

FIELDS = (
    ImportField(
        "external_id",
        "Id",
        ("opportunity_id", "Opportunity Id", "Deal Id", "Record ID", "Record Id", "Id"),
    ),
    ImportField("title", "Title", ("Deal Name", "Opportunity Name", "Opportunity", "Name")),
    ImportField("stage", "Stage", ("deal_stage", "Deal Stage", "Sales stage", "Status"), True),
    ImportField("pipeline", "Pipeline", ("Sales process",)),
    ImportField(
        "owner",
        "Owner",
        ("sales_agent", "Deal owner", "Opportunity Owner", "Deal Owner Name", "Agent"),
    ),
    ImportField("company", "Company", ("account", "Account Name", "Organization", "Customer")),
    ImportField("contact", "Contact", ("Contact Name", "Person", "Contact person")),
    ImportField("product", "Product", ("Product Name", "Item")),
    ImportField(
        "opened_on",
        "Opened on",
        ("engage_date", "Create Date", "Created Date", "Created On", "Created Time", "Opened"),
    ),
    ImportField(
        "closed_on", "Closed on", ("close_date", "Close Date", "Closing Date", "Won/lost date")
    ),
    ImportField("expected_close", "Expected close", ("Expected Close Date", "Forecast date")),
    ImportField("value", "Value", ("close_value", "Amount", "Deal value", "Revenue")),
    ImportField("currency", "Currency", ("Currency Code", "Deal Currency")),
    ImportField("source", "Source", ("Lead Source", "Deal source", "Channel")),
    ImportField("reason", "Loss reason", ("Lost reason", "Closed Lost Reason", "Reason")),
    ImportField("external_source", "System", ("External source",)),
)

_CLOSINGS = {"won": "won", "closedwon": "won", "lost": "lost", "closedlost": "lost"}


@dataclass(frozen=True, slots=True)
class DealRow:
    """What a row says. `stage` of an open deal is as it is written, unless an option maps it."""

    status: str
    stage: str | None
    value_minor: int | None
    currency: str
    opened_on: date | None
    closed_on: date | None
    expected_close: date | None
    title: str | None
    pipeline: str | None
    owner: str | None
    company: str | None
    contact: str | None
    product: str | None
    source: str | None
    reason: str | None
    external_id: str | None
    external_source: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """How rows of this file are to be read: defaults, and the options of the import."""

    currency: str
    stages: Mapping[str, str]
    pipeline: str | None = None
    source: str | None = None
    dates: str | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any], currency: str) -> Reading:
        """Check the options. Raises BadInput."""
        stages = options.get("stages", {})
        if not isinstance(stages, Mapping):
            raise BadInput('The option stages maps stages, e.g. {"Contract sent": "proposal"}.')
        return cls(
            check_currency(str(options.get("currency") or currency)),
            {squeezed(str(name)): str(stage) for name, stage in stages.items()},
            _text(options, "pipeline"),
            _text(options, "source"),
            _text(options, "dates"),
        )


def _text(options: Mapping[str, Any], name: str) -> str | None:
    value = options.get(name)
    return str(value) if value else None


def read_row(row: ImportRow, how: Reading) -> DealRow:
    """Read a row. Raises BadCell for what cannot be read."""
    status, stage = _stage(row.get("stage"), how)
    currency = row.get("currency")
    try:
        currency = check_currency(currency) if currency else how.currency
    except BadInput as error:
        raise BadCell("currency", error.detail) from error
    closed_on = day("closed_on", row.get("closed_on"), how.dates)
    expected = day("expected_close", row.get("expected_close"), how.dates)
    if status == "open":
        # Other systems have one column for the day it closed and the day it is expected to.
        expected, closed_on = expected or closed_on, None
    elif closed_on is None:
        raise BadCell("closed_on", f"A deal that is {status} needs the day on which it was.")
    return DealRow(
        status=status,
        stage=stage,
        value_minor=amount("value", row.get("value"), currency),
        currency=currency,
        opened_on=day("opened_on", row.get("opened_on"), how.dates),
        closed_on=closed_on,
        expected_close=expected,
        title=row.get("title"),
        pipeline=row.get("pipeline") or how.pipeline,
        owner=row.get("owner"),
        company=row.get("company"),
        contact=row.get("contact"),
        product=row.get("product"),
        source=row.get("source"),
        reason=row.get("reason"),
        external_id=row.get("external_id"),
        external_source=row.get("external_source") or how.source,
    )


def _stage(text: str | None, how: Reading) -> tuple[str, str | None]:
    """(open | won | lost, the stage of an open one)"""
    if text is None:
        raise BadCell("stage", "A deal needs a stage, or to be won or lost.")
    mapped = how.stages.get(squeezed(text), text)
    closing = _CLOSINGS.get(squeezed(mapped).replace("-", "").replace("_", ""))
    return (closing, None) if closing else ("open", mapped)
