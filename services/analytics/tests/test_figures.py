"""The engine: every KPI by every dimension and period; roll-up equals facts; indexes are used."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any

import pytest

from analytics.asking import ask_of
from analytics.catalogue import FACTS, KPIS, kpi_named
from analytics.dimensions import DIMENSIONS
from analytics.figures import can_use_rollup, sums
from analytics.kpi import Kpi
from analytics.periods import PERIODS
from analytics.rollup_check import rollup_equals_facts
from analytics.testing import Bench, Deal, Story, principal
from chassis.postgres.database import Connection
from chassis.postgres.statements import render

pytestmark = pytest.mark.integration

BEGIN = date(2017, 1, 1)


class Muddle:
    """A workspace in which much happens in no good order; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.story = Story()
        teams = [self.story.team(f"Team {n}", region) for n, region in enumerate(("N", "S", None))]
        self.owners = [
            *(self.story.user(f"User {n}", self.random.choice([*teams, None])) for n in range(5)),
            None,
        ]
        self.companies = [self.story.company(f"C{n}", f"sector {n % 2}") for n in range(3)]
        self.products = [self.story.product(f"P{n}", f"series {n % 2}") for n in range(3)]
        self.broadcasts = [self.story.broadcast(f"B{n}") for n in range(2)]

    def day(self, after: date, days: int = 40) -> date:
        return after + timedelta(days=self.random.randrange(days))

    def run(self, deals: int) -> Story:
        for _ in range(deals):
            self.deal()
        for _ in range(deals):
            self.contact()
            self.message()
        return self.story

    def deal(self) -> None:
        pick = self.random.choice
        day = self.day(BEGIN, 200)
        deal = self.story.deal(
            self.random.randrange(1, 1000) * 100,
            day.isoformat(),
            owner=pick(self.owners),
            company=pick([*self.companies, None]),
            product=pick(self.products),
            source=pick(["web", "fair", None]),
            currency=pick(["EUR", "USD"]),
        )
        for _ in range(self.random.randrange(6)):
            day = self.day(day)
            self.step(deal, day.isoformat())
        if self.random.random() < 0.6:
            (deal.win if self.random.random() < 0.5 else deal.lose)(day.isoformat())

    def step(self, deal: Deal, on: str) -> None:
        match self.random.randrange(6):
            case 0:
                deal.move(f"stage {self.random.randrange(3)}", self.random.randrange(100), on)
            case 1:
                deal.revalue(self.random.randrange(1, 1000) * 100, on)
            case 2:
                deal.win(on).reopen(on)
            case 3:
                deal.lose(on).reopen(on)
            case 4:
                deal.assign(self.random.choice(self.owners), on)
            case 5:
                company = self.random.choice(self.companies)
                deal.relink(on, company=company, product=self.random.choice(self.products))

    def contact(self) -> None:
        pick = self.random.choice
        self.story.person(
            self.day(BEGIN, 200).isoformat(),
            owner_id=pick(self.owners),
            company_id=pick([*self.companies, None]),
            source=pick(["web", None]),
            country=pick(["DE", "FR", None]),
        )

    def message(self) -> None:
        day = self.day(BEGIN, 200)
        message = self.story.message(self.random.choice(self.broadcasts), day.isoformat())
        if self.random.random() < 0.5:
            message.open(self.day(day).isoformat(), machine=self.random.random() < 0.3)
        if self.random.random() < 0.2:
            message.click(self.day(day).isoformat())


def ways(kpi: Kpi) -> list[str]:
    """The ways to group a KPI that are tried."""
    by_month = [f"{dimension},month" for dimension in kpi.dimensions[:4]]
    periods = PERIODS if kpi.name in ("win_rate", "open_deals") else ("month",)
    return ["", *periods, *kpi.dimensions, *by_month]


async def test_the_roll_up_says_what_the_facts_say(bench: Bench) -> None:
    story = Muddle(1).run(60)
    await bench.load(story)
    rolled_up = 0
    for kpi in KPIS:
        for way in ways(kpi):
            by = {"group_by": way}
            now = await bench.ask(kpi.name, story, **by)
            # As known in a far future is as known now, but it is for the facts to say.
            told = await bench.ask(kpi.name, story, known_at="2100-01-01", **by)
            assert _figures(now) == _figures(told), f"{kpi.name} by {way}"
            ask = ask_of(kpi, principal(story.workspace), by.items())
            rolled_up += can_use_rollup(FACTS[kpi.facts()[0]], ask)
    assert rolled_up > 60


async def test_a_roll_up_that_does_not_add_up_is_found(bench: Bench) -> None:
    story = Muddle(2).run(40)
    await bench.load(story)
    async with bench.worker.connection(None) as connection, rolled_back(connection):
        assert await rollup_equals_facts(connection) == []
        await connection.execute(
            "update kpi_rollup set won = won + 1 where (fact, dimension) = ('deal_closed', 'stage')"
            " and won = 1"
        )
        wrong = await rollup_equals_facts(connection)
        assert wrong
        assert all(told.startswith("deal_closed, stage ") for told in wrong)
    async with bench.worker.connection(None) as connection, rolled_back(connection):
        await connection.execute("delete from contacts_added where people = 1")
        told = " ".join(await rollup_equals_facts(connection))
        assert "person_added, in all" in told
        assert "company_added" not in told


@asynccontextmanager
async def rolled_back(connection: Connection) -> AsyncIterator[None]:
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()


def _figures(body: Any) -> Any:
    """An answer without its links (they name the moment)."""
    if isinstance(body, dict):
        return {k: _figures(v) for k, v in body.items() if k not in ("events_url", "known_at")}
    return [_figures(each) for each in body] if isinstance(body, list) else body


@pytest.mark.parametrize("kpi", [kpi for kpi in KPIS if kpi.unit != "money"], ids=lambda k: k.name)
async def test_a_figure_can_be_computed_again_from_its_facts(bench: Bench, kpi: Kpi) -> None:
    story = Muddle(3).run(40)
    await bench.load(story)
    bench.page_size = 7
    dimension, listed = kpi.dimensions[0], 0
    for parameters in (
        {},
        {"from_": "2017-03-01", "to": "2017-05-31"},
        {"as_of": "2017-04-10", "known_at": "2017-06-01"},
        {f"filter_{dimension}": "(none)"},
    ):
        body = await bench.ask(kpi.name, story, **parameters)
        facts = await bench.facts(kpi.name, story, **parameters)
        listed += len(facts)
        again: dict[str, int] = {}
        for fact in facts:
            for name, amount in fact["contribution"].items():
                again[name] = again.get(name, 0) + amount
        value = kpi.value(again)
        assert body["value"] == (None if value is None else pytest.approx(float(value), abs=1e-4))
    assert listed > 0


@pytest.mark.parametrize("kpi", [kpi for kpi in KPIS if kpi.unit == "money"], ids=lambda k: k.name)
async def test_so_can_an_amount_of_money_in_each_currency(bench: Bench, kpi: Kpi) -> None:
    story = Muddle(4).run(40)
    await bench.load(story)
    body = await bench.ask(kpi.name, story)
    assert body["value"] is None
    assert [each["currency"] for each in body["values"]] == ["EUR", "USD"]
    for each in body["values"]:
        facts = await bench.facts(kpi.name, story, currency=each["currency"])
        again: dict[str, int] = {}
        for fact in facts:
            assert fact["currency"] == each["currency"]
            for name, amount in fact["contribution"].items():
                again[name] = again.get(name, 0) + amount
        value = kpi.value(again)
        assert value is not None
        assert each["value"] == pytest.approx(float(value) / 100, abs=0.005)


async def test_groups_add_up_to_the_whole(bench: Bench) -> None:
    story = Muddle(5).run(50)
    await bench.load(story)
    for name in ("deals_won", "open_deals", "new_contacts", "stage_entries"):
        kpi = kpi_named(name)
        whole = await bench.value(name, story)
        for dimension in kpi.dimensions:
            for moment in ({}, {"as_of": "2017-05-05"}):
                body = await bench.ask(name, story, group_by=dimension, **moment)
                assert sum(item["value"] for item in body["series"]) == body["value"]
                assert moment or body["value"] == whole


async def test_a_group_in_the_series_is_what_its_filter_gives(bench: Bench) -> None:
    story = Muddle(6).run(50)
    await bench.load(story)
    for name in ("win_rate", "open_deals", "new_contacts"):
        for dimension in kpi_named(name).dimensions:
            body = await bench.ask(name, story, group_by=dimension)
            for item in body["series"]:
                only = {f"filter_{dimension}": item["key"]}
                assert await bench.value(name, story, **only) == item["value"]


def test_every_dimension_of_a_kpi_is_a_column_of_its_facts() -> None:
    for kpi in KPIS:
        for fact in (FACTS[name] for name in kpi.facts()):
            assert set(kpi.measures_of(fact.name)) <= set(fact.measures)
            for dimension in kpi.dimensions:
                known = (*fact.dimensions, *fact.about.names)
                assert DIMENSIONS[dimension].base in known, f"{kpi.name} by {dimension}"


@pytest.mark.parametrize(
    ("name", "parameters", "index"),
    [
        ("win_rate", {"from": "2017-03-01", "to": "2017-03-07", "group_by": "product"}, "day"),
        ("revenue_won", {"group_by": "month,owner"}, "kpi_rollup_pkey"),
        ("open_pipeline", {"group_by": "month"}, "kpi_rollup_pkey"),
        ("new_contacts", {"from": "2017-03-01", "to": "2017-03-02", "as_of": "2017-04-01"}, "day"),
    ],
)
async def test_a_figure_reads_no_whole_table_when_it_need_not(
    bench: Bench, name: str, parameters: dict[str, str], index: str
) -> None:
    story, other = Muddle(7).run(400), Muddle(8).run(400)
    await bench.load(story, other)
    async with bench.worker.connection(None) as connection:
        await connection.execute("analyze")
    ask = ask_of(kpi_named(name), principal(story.workspace), parameters.items())
    text, arguments = render(sums([FACTS[fact] for fact in ask.kpi.facts()], ask))
    async with bench.api.connection(story.workspace) as connection:
        plan = "\n".join(r[0] for r in await connection.fetch(f"explain {text}", *arguments))
    assert index in plan, plan
    for table in ("deals_closed", "kpi_rollup", "contacts_added"):
        assert f"Seq Scan on {table}" not in plan, plan
