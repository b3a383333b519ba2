"""Asked of many at once by SQL or of each by itself: a condition holds for the same people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from chassis.clock import SystemClock
from chassis.ids import new_id
from chassis.postgres.statements import fetch
from chassis.service import WORKER, Service
from contacts.domain.conditions.fields import FIELDS, OPERATORS, WITHOUT_VALUE, field_of
from contacts.domain.conditions.tree import leaves_of, parse
from contacts.domain.conditions.truth import holds
from contacts.manifest import MANIFEST
from contacts.read_models.traits import TRAITS
from contacts.segmenting.asking import fulfilling
from contacts.segmenting.looking_up import fetch_traits

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]
Desk = Any
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OWNER = "0190a0a0-0000-7000-8000-00000000000a"
WORDS = ("ada", "Öst", "a", "%", "paris", "VIP", "de", "new", "retail", "acme", "30", "_", "+44")
MADE_UP = ("custom.shoe", "custom.none", "consent.email.news", "consent.phone.ads")


def values(kind: str, operator: str) -> st.SearchStrategy[Any]:
    """Values that sometimes are the ones of somebody."""
    if operator in WITHOUT_VALUE:
        return st.none()
    if operator.endswith("_days"):
        return st.integers(1, 400)
    match kind:
        case "number":
            return st.integers(-1, 4)
        case "money":
            amount = st.sampled_from([0, 1, 500, 1500, 2000])
            currency = st.sampled_from(["EUR", "USD"])
            return st.fixed_dictionaries({"amount_minor": amount, "currency": currency})
        case "date":
            days = st.integers(-400, 5).map(lambda n: (NOON + timedelta(days=n)).isoformat())
            return st.one_of(days, st.just("1990-01-02"))
        case "choice":
            return st.lists(st.sampled_from(["FR", "Germany", OWNER]), min_size=1, max_size=2)
        case _:
            return st.sampled_from(WORDS)


@st.composite
def leaves(draw: st.DrawFn) -> dict[str, Any]:
    name = draw(st.sampled_from([*FIELDS, *MADE_UP]))
    field = field_of(name)
    assert field is not None
    operator = draw(st.sampled_from(sorted(OPERATORS[field.kind])))
    said = {"field": name, "is": operator}
    value = draw(values(field.kind, operator))
    return said if value is None else {**said, "value": value}


def groups(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(parts, max_size=3)
    return st.one_of(
        parts.map(lambda part: {"not": part}),
        several.map(lambda parts: {"all": parts}),
        several.map(lambda parts: {"any": parts}),
    )


CONDITIONS = st.recursive(leaves(), groups, max_leaves=6)


async def some_people(desk: Desk) -> None:
    """People of all sorts, two of whom are one."""
    ada = await desk.person(
        first_name="Ada",
        last_name="Österreicher",
        email="ada@x.example",
        phone="+44 20 7946 0958",
        city="Paris",
        country="FR",
        tags=["VIP", "new"],
        company="Acme",
        birthday="1990-01-02",
        custom={"shoe": 30},
    )
    bob = await desk.person(first_name="Bob", country="Germany", tags=["vip"], owner_id=OWNER)
    cleo = await desk.person(
        first_name="Cleo", email="cleo@x.example", at="2025-06-01T00:00:00Z", city="100% Öst_"
    )
    copy = await desk.person(first_name="Ada", last_name="O", tags=["new"], language="de")
    company = (await desk.read(f"/contacts/{ada}"))["company_id"]
    await desk.change(f"/companies/{company}", sector="Retail", country="France", employees=3)
    await desk.write("PUT", f"/contacts/{ada}/consents/email/news", {})
    await desk.write("PUT", f"/contacts/{bob}/consents/email/news", {})
    await desk.write("DELETE", f"/contacts/{bob}/consents/email/news")
    await desk.write("POST", f"/contacts/{copy}/interactions", {"kind": "note", "text": "Hi"})
    for person, price, currency in ((ada, 500, "EUR"), (copy, 1500, "EUR"), (cleo, 1, "USD")):
        body: dict[str, Any] = {"contact_id": person, "currency": currency}
        await desk.write(
            "POST", "/purchases", {**body, "lines": [{"title": "T", "unit_price_minor": price}]}
        )
    kinds, deals, mail = desk.others.kinds, [new_id(), new_id()], new_id()
    told = [
        ("deal", id_, kinds["DealOpened"](id_, "X", new_id(), contact_id=who, occurred_at=NOON))
        for id_, who in zip(deals, (copy, cleo), strict=True)
    ]
    sent = kinds["MessageSent"](mail, new_id(), copy, NOON, occurred_at=NOON)
    desk.saw(await desk.others.publish(*told, ("message", mail, sent)))
    await desk.write("POST", f"/contacts/{ada}/merge", {"duplicate_id": copy})
    desk.saw(f"person-{copy}@3")
    await desk.read("/contacts")


@pytest_asyncio.fixture(loop_scope="module")
async def worker(desk: Desk) -> AsyncIterator[Service]:
    await some_people(desk)
    service = Service(MANIFEST, desk.ask.settings, SystemClock(), WORKER)
    await service.start()
    yield service
    await service.stop()


async def test_sql_and_the_tree_agree_about_the_same_people(desk: Desk, worker: Service) -> None:
    """`disagreeing` is run by hypothesis in a thread, on this loop: the fixtures live here."""
    loop, workspace = asyncio.get_running_loop(), desk.workspace
    met: set[bool] = set()

    async def both(said: Any) -> tuple[set[Any], set[Any]]:
        condition = parse(said)
        async with worker.work.connection(None) as connection:
            t = TRAITS.c
            statement = fulfilling(workspace, condition, NOON, None, t.person_id)
            by_sql = {row["person_id"] for row in await fetch(connection, statement)}
            everybody = await connection.fetch(
                "select person_id from traits where workspace_id = $1", workspace
            )
            people = [row["person_id"] for row in everybody]
            known = await fetch_traits(connection, workspace, people, leaves_of(condition))
        by_tree = {
            id_
            for id_, traits in known.items()
            if traits["merged_into"] is None and holds(condition, traits, NOON)
        }
        return by_sql, by_tree

    @settings(
        max_examples=250, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @for_all(CONDITIONS)
    def agree(said: Any) -> None:
        if not list(_leaves(said)):
            return
        by_sql, by_tree = asyncio.run_coroutine_threadsafe(both(said), loop).result(30)
        assert by_sql == by_tree
        met.add(bool(by_sql))

    await asyncio.to_thread(agree)
    assert met == {True, False}


def _leaves(said: Any) -> Any:
    if "field" in said:
        yield said
    for part in [said["not"]] if "not" in said else said.get("all", said.get("any", [])):
        yield from _leaves(part)
