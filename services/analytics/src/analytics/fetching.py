"""Fetches what a question to a KPI needs, in as many statements as it has tables of facts."""

from __future__ import annotations

from analytics.answers import People, Table, people_of
from analytics.asking import Ask
from analytics.catalogue import FACTS
from analytics.fact import Fact
from analytics.figures import persons, sums
from chassis.postgres.database import Connection
from chassis.postgres.statements import fetch


async def answered(connection: Connection, ask: Ask) -> tuple[Table, People | None]:
    """The sums, and how many people are behind each group where that has to be minded."""
    table = Table()
    for facts in _by_table(ask):
        names = [name for fact in facts for name in ask.kpi.measures_of(fact.name)]
        table.add(await fetch(connection, sums(facts, ask)), names)
    if ask.singles or not ask.kpi.of_persons:
        return table, None
    population = FACTS[ask.kpi.facts()[0]]
    return table, people_of(await fetch(connection, persons(population, ask)))


def _by_table(ask: Ask) -> list[list[Fact]]:
    tables: dict[str, list[Fact]] = {}
    for name in ask.kpi.facts():
        tables.setdefault(FACTS[name].table.name, []).append(FACTS[name])
    return list(tables.values())
