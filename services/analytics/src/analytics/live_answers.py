"""What somebody may see of the last hour. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from analytics.currencies import major
from chassis.http.principal import AGGREGATE, ALL, Principal

SILENT = timedelta(seconds=10)
"""After this long without a sign of life the stream counts as down."""

_EMPTY: dict[str, Any] = {
    "events_last_minute": 0,
    "events_last_hour": 0,
    "minutes": [0] * 60,
    "types": [],
    "won": [],
    "recent": [],
}
_COUNTS = ("events_last_minute", "events_last_hour", "minutes", "types")
_DOWN = "The live stream is not running. Figures and everything else work without it."


def told(row: Mapping[str, Any], now: datetime, principal: Principal) -> dict[str, Any]:
    """What somebody may see of the last hour."""
    alive = row["at"] is not None and now - row["at"] <= SILENT
    snapshot: Mapping[str, Any] = (row["snapshot"] if alive else None) or _EMPTY
    body = {
        "status": "live" if alive else "down",
        "at": row["at"],
        **{name: snapshot[name] for name in _COUNTS},
        "won_last_hour": _won(snapshot["won"], principal),
        "recent": _recent(snapshot["recent"], principal),
        "changes": row["changes"] or 0,
    }
    if not alive:
        body["detail"] = _DOWN
    return body


def _won(entries: list[dict[str, Any]], principal: Principal) -> list[dict[str, Any]]:
    """Per currency; of one's own team only, for who sees only that."""
    owners = None if principal.sees in (ALL, AGGREGATE) else {str(o) for o in principal.owners}
    total: dict[str, tuple[int, int]] = {}
    for entry in entries:
        if owners is None or entry["owner_id"] is None or entry["owner_id"] in owners:
            deals, amount = total.get(entry["currency"], (0, 0))
            total[entry["currency"]] = deals + entry["deals"], amount + entry["amount_minor"]
    return [
        {
            "currency": currency,
            "deals": deals,
            "amount_minor": amount,
            "amount": major(amount, currency),
        }
        for currency, (deals, amount) in sorted(total.items())
    ]


def _recent(events: list[dict[str, Any]], principal: Principal) -> list[dict[str, Any]]:
    """Which record it was is told only to who may see every record."""
    if principal.sees == ALL:
        return events
    return [{name: v for name, v in event.items() if name != "stream"} for event in events]
