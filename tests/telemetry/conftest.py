"""A platform that is watched: its traces go to a collector of ours, its logs hold every request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from everlog.collector import Collector, collecting
from everlog.home import Home
from everlog.testing import Answer, EmbeddedPlatform, Visitor, embedded_platform, visiting_alone

HTML = (
    "<p>Dear {{ first_name|default:'reader' }}, <a href='https://books.example.com/'>look</a></p>"
)


@dataclass(frozen=True)
class Watched:
    """The running platform, what it tells, and where its logs are."""

    platform: EmbeddedPlatform
    collector: Collector
    logs: Path

    @property
    def port(self) -> int:
        """The gateway's; the others derive from it."""
        return int(self.platform.url.rpartition(":")[2])

    def lines(self) -> dict[str, list[str]]:
        """Every line of every log, by process."""
        return {
            path.stem: path.read_text().splitlines() for path in sorted(self.logs.glob("*.log"))
        }

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """The lines that are JSON, with the process that said them."""
        return [
            (process, json.loads(line))
            for process, lines in self.lines().items()
            for line in lines
            if line.startswith("{")
        ]


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A platform of its own: the others are not traced."""
    home: Path = tmp_path_factory.mktemp("watched") / "home"
    with collecting() as (collector, endpoint):
        told = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "LOG_LEVEL": "DEBUG",
        }
        with embedded_platform(home, **told) as platform:
            yield Watched(platform, collector, home / "logs")


@dataclass(frozen=True)
class Story:
    """What was done: ids and traces to look for, and words that nobody may repeat."""

    person: str
    created: str
    """The trace in which the person was added."""
    erased: str
    failed: str
    """The trace of a request that broke."""
    secrets: tuple[str, ...]


FIRST, LAST = "Zebulonius", "Quastenflosser"
EMAIL, OTHER_EMAIL = "zebulonius@quastenflosser.example", "z.quasten@elsewhere.example"
PHONE = "+49 30 90182714"
SECRETS = (FIRST, LAST, EMAIL, OTHER_EMAIL, "quastenflosser", "90182714", "Ingwertopf")


@pytest.fixture(scope="session")
def story(watched: Watched) -> Story:
    """A day on the platform that takes every way there is, and goes wrong here and there."""
    return asyncio.run(_live(watched.platform))


async def _live(platform: EmbeddedPlatform) -> Story:
    async with visiting_alone(platform, name="Papierhaus") as visitor:
        await visitor.post("/api/v1/teams", {"name": "Sales"})
        created, person = await _a_person(visitor)
        await _deals(visitor, person)
        await _mails(visitor)
        address = Home.of(platform.environ).postgres_admin.rpartition("/")[0]
        admin = await asyncpg.connect(f"{address}/everlog_contacts")
        try:
            failed = await _failures(visitor, admin, person)
        finally:
            await admin.close()
        erased = await visitor.ask("POST", f"/api/v1/contacts/{person}/erase", json={})
        assert erased.status == 200, erased
        await _all_is_quiet(visitor)
        return Story(person, created, trace_of(erased), failed, SECRETS)


async def _a_person(visitor: Visitor) -> tuple[str, str]:
    body = {
        "first_name": FIRST,
        "last_name": LAST,
        "email": EMAIL,
        "phone": PHONE,
        "tags": ["reader", "Ingwertopf"],
        "company": "Papierhaus AG",
    }
    added = await visitor.post("/api/v1/contacts", body)
    path = f"/api/v1/contacts/{added['id']}"
    for channel in ("PUT", "DELETE"):
        consent = await visitor.ask(channel, f"{path}/consents/phone/Ingwertopf", json={})
        assert consent.status == 200, consent
    changed = {"phones": [{"number": PHONE}], "emails": [{"address": OTHER_EMAIL}]}
    version = (await visitor.get(path)).headers["ETag"]
    patched = await visitor.ask("PATCH", path, json=changed, headers={"If-Match": version})
    assert patched.status == 200, patched
    await visitor.get("/api/v1/contacts", q=FIRST)
    return trace_of(added), added["id"]


async def _deals(visitor: Visitor, person: str) -> None:
    await until(lambda: visitor.get("/api/v1/pipelines"), lambda a: a["items"])
    worth = {"amount_minor": 12_500, "currency": "EUR"}
    body = {"title": "A hundred pens", "value": worth, "contact_id": person}
    deal = await visitor.post("/api/v1/deals", body)
    await visitor.post(f"/api/v1/deals/{deal['id']}/win")
    await visitor.get("/api/v1/kpis/revenue_won")


async def _mails(visitor: Visitor) -> None:
    body = {"name": "News", "subject": "For {{ first_name }}", "html": HTML}
    template = await visitor.post("/api/v1/templates", body)
    count = {"tag": "reader"}
    await until(lambda: visitor.post("/api/v1/audiences/count", count), lambda a: a["people"] == 1)
    plan = {"name": "First", "template_id": template["id"], "audience": count, "topic": "news"}
    broadcast = await visitor.post("/api/v1/broadcasts", plan)
    path = f"/api/v1/broadcasts/{broadcast['id']}"
    await visitor.post(f"{path}/start")
    await until(lambda: visitor.get(path), lambda a: a["status"] == "finished")


async def _failures(visitor: Visitor, admin: Any, person: str) -> str:
    """Refusals, a bug, a read model that cannot be written; each with something personal in it."""
    await visitor.ask("POST", "/api/v1/contacts", json={"first_name": FIRST, "email": [EMAIL]})
    await visitor.ask("GET", f"/api/v1/contacts/{EMAIL}")
    await visitor.ask("GET", f"/contacts/{EMAIL}?q={LAST}")
    await visitor.ask("GET", f"/nowhere/{EMAIL}")
    await visitor.ask("POST", "/api/v1/sessions", json={"email": EMAIL, "password": LAST})
    note = {"kind": "note", "text": f"{FIRST} called from {PHONE}"}
    path = f"/api/v1/contacts/{person}"
    refused = "type <> 'contacts.interaction-logged.v1'"
    async with refusing(admin, "log", "events", refused):
        broken = await visitor.ask("POST", f"{path}/interactions", json=note)
        assert broken.status == 500, broken
    [schema] = await admin.fetch(
        "select schemaname from pg_tables where tablename = 'people' and schemaname like 'people_%'"
    )
    async with refusing(admin, schema["schemaname"], "people", "false"):
        version = (await visitor.get(path)).headers["ETag"]
        sent = {"If-Match": version}
        name = {"last_name": f"{LAST}-Meier"}
        patched = await visitor.ask("PATCH", path, json=name, headers=sent)
        assert patched.status == 200, patched
        await until(
            lambda: visitor.ask("GET", "/api/v1/ops/services"),
            lambda found: any(item["failing"] for item in found["items"]),
        )
    return trace_of(broken)


@asynccontextmanager
async def refusing(admin: Any, schema: str, table: str, unless: str) -> AsyncIterator[None]:
    """For a while a table takes no rows, and PostgreSQL says which ones it was to take."""
    await admin.execute(
        f"alter table {schema}.{table} add constraint refusing check ({unless}) not valid"
    )
    try:
        yield
    finally:
        await admin.execute(f"alter table {schema}.{table} drop constraint refusing")


def trace_of(answer: Answer) -> str:
    """The trace in which a request was answered."""
    return answer.headers["traceresponse"].split("-")[1]


async def until(
    ask: Callable[[], Awaitable[Answer]], holds: Callable[[Answer], Any], within_s: float = 60
) -> Answer:
    """Ask again and again: what other services are told takes its moment."""
    async with asyncio.timeout(within_s):
        while not holds(answer := await ask()):
            await asyncio.sleep(0.2)
    return answer


async def _all_is_quiet(visitor: Visitor) -> None:
    def quiet(found: Answer) -> bool:
        return not any(
            (item["outbox"] and item["outbox"]["events"]) or item["lag_events"]
            for item in found["items"]
        )

    await until(lambda: visitor.get("/api/v1/ops/services"), quiet)
