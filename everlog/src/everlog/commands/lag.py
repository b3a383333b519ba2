"""`everlog lag`: how far each service is behind its topics."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from rich.table import Table

from everlog.home import Home
from everlog.operating import chosen, connected, manifest_of
from everlog.output import Json, reporting
from everlog.status import current_home


def lag(json: Json = False) -> None:
    """Show every lane's lag in events and seconds (?: Kafka does not say), the outboxes, and what
    is parked."""
    with reporting(json) as report:
        found = asyncio.run(standings(current_home(os.environ)))
        report.show(found, _as_table(found))


async def standings(home: Home) -> list[dict[str, Any]]:
    """Where every service stands. Side by side: where Kafka does not answer, each of them takes its
    time to notice."""
    # Their code is loaded first: nobody may lose patience with a database because of that.
    names = [manifest_of(name).service for name in chosen(None)]
    return await asyncio.gather(*(_standing(home, name) for name in names))


async def _standing(home: Home, name: str) -> dict[str, Any]:
    async with connected(home, name) as service:
        return await service.standing()


def _as_table(standings: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("service", "lane", "topic"):
        table.add_column(title)
    for title in ("applied", "behind", "seconds", "outbox", "parked"):
        table.add_column(title, justify="right")
    for standing in standings:
        outbox = str(standing["outbox"]["events"])
        parked = str(sum(standing["parked"].values()))
        for lane in standing["lanes"]:
            table.add_row(
                standing["service"],
                lane["lane"],
                lane["topic"],
                str(lane["applied"]),
                "?" if lane["lag_events"] is None else str(lane["lag_events"]),
                "?" if lane["lag_s"] is None else f"{lane['lag_s']:.1f}",
                outbox,
                parked,
            )
    return table
