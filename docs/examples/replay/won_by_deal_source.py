"""What if a deal's own source counted, not the one that first brought the contact?

everlog replay --projection docs/examples/replay/won_by_first_source.py \
    --against docs/examples/replay/won_by_deal_source.py
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, Text

from chassis.events import Event, Recorded
from chassis.projection import Add, Change, read_table


class DealWon(Event, frozen=True, tag="pipeline.deal-won.v1"):
    deal_id: UUID
    value_minor: int
    currency: str
    source: str | None


class DealReopened(Event, frozen=True, tag="pipeline.deal-reopened.v1"):
    deal_id: UUID


WON_BY_SOURCE = read_table(
    "won_by_source",
    Column("month", Text),
    Column("source", Text),
    Column("currency", Text),
    Column("deals", BigInteger, server_default="0"),
    Column("won_minor", BigInteger, server_default="0"),
    key=("month", "source", "currency"),
)

Key = tuple[str, str, str]
won: dict[UUID, tuple[Key, int]] = {}


def project(recorded: Recorded[Any]) -> Iterable[Change]:
    match recorded.event:
        case DealWon() as e:
            key = (f"{e.occurred_at:%Y-%m}", e.source or "unknown", e.currency)
            won[e.deal_id] = (key, e.value_minor)
            yield Add(WON_BY_SOURCE, key, {"deals": 1, "won_minor": e.value_minor})
        case DealReopened() as e if e.deal_id in won:
            key, value_minor = won.pop(e.deal_id)
            yield Add(WON_BY_SOURCE, key, {"deals": -1, "won_minor": -value_minor})
