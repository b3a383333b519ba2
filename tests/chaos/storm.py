"""A storm: people write through the gateway while faults come down; then the reckoning."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from everlog.home import Home
from everlog.testing import EmbeddedPlatform, Visitor
from tests.chaos.faults import Named
from tests.chaos.ledger import Ledger
from tests.chaos.writers import Writers

_PEOPLE = 4
WRITES_BETWEEN = 3
"""Of each kind, between one fault and the next."""
_SETTLES_WITHIN_S = 120.0


@dataclass
class Storm:
    """What came down, and what it did."""

    seed: int
    faults: list[str] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    seconds: float = 0.0
    longest_silence_s: float = 0.0
    catch_up_s: float = 0.0
    unanswered: dict[str, int] = field(default_factory=dict)

    def table(self) -> str:
        """For people."""
        promises = self.ledger.all()
        attempts = sum(promise.attempts for promise in promises)
        lines = [f"seed {self.seed}", *self.faults]
        lines += [f"{count:5} times  {why}" for why, count in sorted(self.unanswered.items())]
        lines += [
            f"{len(promises)} writes answered in {self.seconds:.0f} s, asked for {attempts} times",
            f"longest time without an answer {self.longest_silence_s:.1f} s",
            f"every read model had everything {self.catch_up_s:.1f} s after the last write",
        ]
        return "\n".join(lines)


async def rage(
    platform: EmbeddedPlatform,
    visitor: Visitor,
    faults: Sequence[Named],
    seed: int,
    overlap: float = 0.0,
) -> Storm:
    """Let these faults come down, one after the other.

    The next one comes when people can write again; with the chance `overlap` it does not wait.
    """
    storm, chance, home = Storm(seed), random.Random(seed), Home.of(platform.environ)
    writers = Writers(visitor, platform.url, storm.ledger, seed)
    await _first_pipeline(visitor)
    begin = time.monotonic()

    async def weather() -> None:
        await asyncio.sleep(1.0)
        for fault in faults:
            at = time.monotonic()
            told = await fault.do(home, chance)
            if chance.random() >= overlap:
                await _writes_go_on(storm.ledger)
            storm.faults.append(
                f"{at - begin:6.1f} s  {fault.name:30} writes again after "
                f"{time.monotonic() - at:5.1f} s  {told}"
            )
            await asyncio.sleep(chance.uniform(0.2, 1.5))

    await writers.work(_PEOPLE, weather)
    storm.seconds = time.monotonic() - begin
    storm.longest_silence_s = writers.longest_silence_s
    storm.unanswered = dict(writers.unanswered)
    storm.catch_up_s = await _come_to_rest(visitor, storm.ledger)
    return storm


async def _writes_go_on(ledger: Ledger) -> None:
    """Wait until some more writes of each kind have been answered."""
    async with asyncio.timeout(90):
        wanted = {kind: n + WRITES_BETWEEN for kind, n in ledger.answers().items()}
        while any(n < wanted[kind] for kind, n in ledger.answers().items()):
            await asyncio.sleep(0.05)


async def _first_pipeline(visitor: Visitor) -> None:
    """A new workspace is given one by a reaction."""
    async with asyncio.timeout(30):
        while not (await visitor.get("/api/v1/pipelines"))["items"]:
            await asyncio.sleep(0.1)


async def _come_to_rest(visitor: Visitor, ledger: Ledger) -> float:
    """Wait until the figures are what the ledger says; if they never are, the check tells why."""
    begin = time.monotonic()
    while time.monotonic() - begin < _SETTLES_WITHIN_S:
        try:
            if await differences(visitor, ledger) == []:
                break
        except (AssertionError, OSError):
            pass  # something is still on its feet again only half
        await asyncio.sleep(0.5)
    return time.monotonic() - begin


async def differences(visitor: Visitor, ledger: Ledger) -> list[str]:
    """Between what was promised and what every read model and every figure tells."""
    promised = {
        "contacts": sorted(str(promise.id) for promise in ledger.contacts),
        "deals": sorted(str(promise.id) for promise in ledger.deals),
        "deals won": sorted(str(p.path.split("/")[4]) for p in ledger.wins),
        "new_contacts": len(ledger.contacts),
        "new_deals": len(ledger.deals),
        "deals_won": len(ledger.wins),
        "open_deals": len(ledger.deals) - len(ledger.wins),
        "revenue_won": ledger.amount_won_minor / 100,
    }
    told: dict[str, Any] = {
        "contacts": await _ids(visitor, "/api/v1/contacts"),
        "deals": await _ids(visitor, "/api/v1/deals"),
        "deals won": await _ids(visitor, "/api/v1/deals", status="won"),
    }
    for kpi in ("new_contacts", "new_deals", "deals_won", "open_deals", "revenue_won"):
        told[kpi] = (await visitor.get(f"/api/v1/kpis/{kpi}"))["value"] or 0
    return [
        f"{name}: promised {_short(promised[name])}, told {_short(told[name])}"
        for name in promised
        if promised[name] != told[name]
    ]


async def _ids(visitor: Visitor, path: str, **asked: str) -> list[str]:
    """Of everything that a list has, page by page."""
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await visitor.get(path, limit=200, **asked, **cursor)
        found += [str(item["id"]) for item in page["items"]]
        if page["next"] is None:
            return sorted(found)
        cursor = {"cursor": page["next"]}


def _short(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} ({len(set(value))} different)"
    return str(value)
