"""Asked of many at once by SQL or of each by itself: a condition holds for the same people."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from chassis.clock import SystemClock
from chassis.http.paging import encode_cursor
from chassis.ids import new_id
from chassis.postgres.statements import fetch, render
from chassis.service import WORKER, Service
from contacts.domain.conditions.fields import (
    FIELDS,
    OPERATORS,
    WITHOUT_VALUE,
    Kind,
    asked_by,
    field_of,
)
from contacts.domain.conditions.tree import leaves_of, parse
from contacts.domain.conditions.truth import holds
from contacts.manifest import MANIFEST
from contacts.read_models.traits import TRAITS
from contacts.segmenting.asking import fulfilling
from contacts.segmenting.looking_up import fetch_traits
from contacts.segmenting.members import MembersWanted, wanted_members, wanted_moves

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]
Desk = Any
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OWNER = "0190a0a0-0000-7000-8000-00000000000a"
WORDS = ("ada", "Öst", "a", "%", "paris", "VIP", "de", "new", "retail", "acme", "30", "_", "+44")
OWN = ("custom.shoe", "custom.none", "custom.likes", "custom.since", "custom.odd")
MADE_UP = (*OWN, "consent.email.news", "consent.phone.ads")


def values(kind: str, operator: str) -> st.SearchStrategy[Any]:
    """Values that sometimes are the ones of somebody."""
    if operator in WITHOUT_VALUE:
        return st.none()
    if operator.endswith("_days"):
        return st.integers(1, 400)
    match kind:
        case "number":
            return st.sampled_from([-1, 0, 1, 2, 3, 4, 30])
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
    own: tuple[Kind, ...] = ("text", "number", "date", "tags")
    kind = draw(st.sampled_from(own)) if name in OWN else field.kind
    operator = draw(st.sampled_from(sorted(OPERATORS[kind])))
    said = {"field": name, "is": operator}
    value = draw(values(asked_by(field, operator).kind, operator))
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
        custom={
            "shoe": 2.5,
            "likes": ["VIP", "Öst"],
            "since": "2026-02-01",
            "odd": "2026-02-31",
        },
    )
    bob = await desk.person(
        first_name="Bob",
        country="Germany",
        tags=["vip"],
        owner_id=OWNER,
        custom={"shoe": "30", "likes": "VIP", "since": "soon", "odd": "9" * 400},
    )
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


def some_conditions() -> list[Any]:
    """Drawn before anything is asked: hypothesis does not share its time with a running service."""
    drawn: list[Any] = []

    @settings(
        max_examples=250, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @for_all(CONDITIONS)
    def draw(said: Any) -> None:
        if list(_leaves(said)):
            drawn.append(said)

    draw()
    return drawn


async def test_sql_and_the_tree_agree_about_the_same_people(desk: Desk, worker: Service) -> None:
    workspace, met, t = desk.workspace, set(), TRAITS.c
    async with worker.work.connection(None) as connection:
        rows = await connection.fetch(
            "select person_id from traits where workspace_id = $1", workspace
        )
        people = [row["person_id"] for row in rows]
        assert len(people) == 4
        for said in some_conditions():
            condition = parse(said)
            statement = fulfilling(workspace, condition, NOON, None, t.person_id)
            by_sql = {row["person_id"] for row in await fetch(connection, statement)}
            known = await fetch_traits(connection, workspace, people, leaves_of(condition))
            by_tree = {
                id_
                for id_, traits in known.items()
                if traits["merged_into"] is None and holds(condition, traits, NOON)
            }
            assert by_sql == by_tree, said
            met.add(len(by_sql))
    assert met >= {0, 1, 2, 3}


def _leaves(said: Any) -> Any:
    if "field" in said:
        yield said
    for part in [said["not"]] if "not" in said else said.get("all", said.get("any", [])):
        yield from _leaves(part)


async def test_members_and_moves_are_read_from_where_an_index_has_them_in_order(
    desk: Desk, worker: Service
) -> None:
    first = encode_cursor([new_id()])
    latest = encode_cursor([NOON, new_id(), "left"])
    wanted = MembersWanted(desk.workspace, new_id(), limit=5)
    async with worker.work.connection(None) as connection, connection.transaction():
        await connection.execute(
            "set local enable_seqscan = off; set local enable_bitmapscan = off"
        )
        for statement, indexes in (
            (wanted_members(replace(wanted, cursor=first)), ("segment_stays_now",)),
            (
                wanted_moves(replace(wanted, cursor=latest)),
                ("segment_stays_entered", "segment_stays_left"),
            ),
        ):
            text, arguments = render(statement)
            rows = await connection.fetch(f"explain {text}", *arguments)
            plan = "\n".join(row[0] for row in rows)
            for index in indexes:
                part = plan[plan.index(f" using {index}") :]
                assert "Index Cond" in part, plan
            assert len(re.findall(r"Sort +\(cost", plan)) <= 1, plan  # of the halves together
