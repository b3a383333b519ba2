"""Replays over a small log whose answers are known by hand; the documented examples among them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pyarrow import parquet

from campaigns.domain.message import MessageOpened
from chassis.ids import new_id
from contacts.domain.person.events import PersonAdded
from embedded.errors import Trouble
from everlog.replay.answers import Rows, save, write_csv
from everlog.replay.testing import Log
from pipeline.domain.deal.events import DealReopened, DealWon

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "replay"
MAY = datetime(2026, 5, 1, 12, tzinfo=UTC)
PIPELINE = new_id()


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    """A file of an analyst with this in it."""

    def write(text: str) -> Path:
        path = tmp_path / f"mine_{new_id().hex}.py"
        path.write_text(text)
        return path

    return write


def person(log: Log, source: str | None, at: datetime = MAY) -> UUID:
    person_id = new_id()
    event = PersonAdded(
        person_id, "Ada", "Lovelace", (), (), (), {}, source=source, city="Rome", occurred_at=at
    )
    log.add("person", person_id, event)
    return person_id


def opened(log: Log, person_id: UUID, at: datetime, *, machine: bool = False) -> None:
    message = new_id()
    event = MessageOpened(message, new_id(), person_id, machine, True, occurred_at=at)
    log.add("message", message, event)


def won(
    log: Log, contact: UUID | None, at: datetime, value: int, source: str | None = None
) -> UUID:
    deal = new_id()
    event = DealWon(
        deal_id=deal,
        value_minor=value,
        currency="EUR",
        position_value_minor=value,
        stage="closing",
        probability=90,
        opened_at=at,
        closed_on=at.date(),
        closing=1,
        owner_id=None,
        company_id=None,
        contact_id=contact,
        product_id=None,
        source=source,
        pipeline_id=PIPELINE,
        overtaken=(),
        occurred_at=at,
    )
    log.add("deal", deal, event)
    return deal


def reopened(log: Log, deal: UUID, at: datetime, value: int) -> None:
    event = DealReopened(
        deal, 1, "won", date(2026, 5, 1), value, "EUR", "closing", 90, at, None, None, None, None,
        None, PIPELINE, occurred_at=at,
    )  # fmt: skip
    log.add("deal", deal, event)


def test_days_from_the_first_mail_opened_to_the_deal_won(log: Log) -> None:
    ada, grace, mary = person(log, "web"), person(log, None), person(log, "fair")
    opened(log, ada, MAY + timedelta(days=1), machine=True)
    opened(log, ada, MAY + timedelta(days=2))
    opened(log, ada, MAY + timedelta(days=5))
    opened(log, mary, MAY + timedelta(days=3))
    first = won(log, ada, MAY + timedelta(days=9, hours=12), 1000)
    won(log, grace, MAY + timedelta(days=10), 2000)
    again = won(log, mary, MAY + timedelta(days=11), 3000)
    reopened(log, again, MAY + timedelta(days=12), 3000)
    rows = log.fold(EXAMPLES / "first_open_to_won.py")["first_open_to_won"]
    assert [(row["deal_id"], row["person_id"], row["days"]) for row in rows] == [
        (str(first), str(ada), 7.5)
    ]


def story_of_sources(log: Log) -> None:
    ada, grace = person(log, "web"), person(log, "fair")
    won(log, ada, MAY, 1000, "web")
    won(log, ada, MAY + timedelta(days=1), 500, "call")
    won(log, grace, MAY + timedelta(days=40), 2000, "fair")
    won(log, None, MAY + timedelta(days=41), 70)
    lost = won(log, grace, MAY + timedelta(days=41), 9000, "fair")
    reopened(log, lost, MAY + timedelta(days=50), 9000)


def test_won_by_the_source_that_first_brought_the_contact(log: Log) -> None:
    story_of_sources(log)
    rows = log.fold(EXAMPLES / "won_by_first_source.py")["won_by_source"]
    assert [(r["month"], r["source"], r["deals"], r["won_minor"]) for r in rows] == [
        ("2026-05", "web", 2, 1500),
        ("2026-06", "fair", 1, 2000),
        ("2026-06", "no contact", 1, 70),
    ]


def test_what_if_the_source_of_the_deal_counted(log: Log) -> None:
    story_of_sources(log)
    rows, counts = log.compare(
        EXAMPLES / "won_by_first_source.py", EXAMPLES / "won_by_deal_source.py"
    )
    assert counts == {
        "equal": 1,
        "only in the first": 1,
        "only in the second": 2,
        "changed": 1,
    }
    told = {(r[2], r[3], r[4], r[5], r[6]) for r in rows.rows if r[4] == "won_minor"}
    assert told == {
        ("2026-05 / web / EUR", "changed", "won_minor", 1500, 1000),
        ("2026-05 / call / EUR", "only in the second", "won_minor", None, 500),
        ("2026-06 / no contact / EUR", "only in the first", "won_minor", 70, None),
        ("2026-06 / unknown / EUR", "only in the second", "won_minor", None, 70),
    }


def test_the_past_is_replayed_as_it_was_known_or_as_it_was(log: Log) -> None:
    ada = person(log, "web")
    won(log, ada, MAY, 1000)
    deal = new_id()
    stored = log.add("deal", deal, _late(deal, ada), recorded_at=MAY + timedelta(days=30))
    assert stored.occurred_at == MAY - timedelta(days=30)
    example = EXAMPLES / "won_by_first_source.py"

    def months(**options: Any) -> list[str]:
        return [row["month"] for row in log.fold(example, **options)["won_by_source"]]

    assert months() == ["2026-04", "2026-05"]
    assert months(until="2026-05-02") == ["2026-05"]
    assert months(as_of="2026-04-30") == ["2026-04"]
    assert months(as_of="2026-04-30", until="2026-05-02") == []
    assert months(since="2026-05-10") == ["2026-04"]


def _late(deal: UUID, contact: UUID) -> DealWon:
    at = MAY - timedelta(days=30)
    return DealWon(
        deal_id=deal, value_minor=5, currency="EUR", position_value_minor=5, stage="closing",
        probability=90, opened_at=at, closed_on=at.date(), closing=1, owner_id=None,
        company_id=None, contact_id=contact, product_id=None, source=None, pipeline_id=PIPELINE,
        overtaken=(), occurred_at=at,
    )  # fmt: skip


def test_read_models_of_the_services_can_be_replayed(log: Log) -> None:
    deal = won(log, None, MAY, 1000)
    rows = log.fold("analytics/deal_closed")
    assert str(deal) in json.dumps(rows)
    with pytest.raises(Trouble) as refused:
        log.fold("pipeline/nothing")
    assert "deal_board" in refused.value.advice


def test_a_file_may_define_a_projection_of_the_services_own_kind(
    log: Log, written: Callable[[str], Path]
) -> None:
    won(log, None, MAY, 1000)
    path = written(
        """
from sqlalchemy import BigInteger, Column
from chassis.projection import Add, Projection, read_table
from pipeline.domain.deal.events import DealWon
WON = read_table("won", Column("n", BigInteger), Column("sum", BigInteger), key=("n",))
def project(recorded):
    yield Add(WON, (1,), {"sum": recorded.event.value_minor})
MINE = Projection("mine", 1, (DealWon,), (WON,), project)
"""
    )
    [row] = log.fold(path)["won"]
    assert (row["n"], row["sum"]) == (1, 1000)


BROKEN = """
from sqlalchemy import Column, Text
from chassis.projection import Put, read_table
T = read_table("t", Column("a", Text), key=("a",))
def half(value):
    return 1 / (value - value)
def project(recorded):
    if recorded.type == "pipeline.deal-won.v1":
        yield Put(T, ("a",), {"b": half(recorded.event.value_minor)})
"""


def test_an_error_names_the_event_and_the_line(log: Log, written: Callable[[str], Path]) -> None:
    deal, path = won(log, None, MAY, 1000), written(BROKEN)
    with pytest.raises(Trouble) as failed:
        log.fold(path)
    assert failed.value.what == f"{path}:6 failed at pipeline.deal-won.v1 deal-{deal}@1."
    assert "ZeroDivisionError" in failed.value.detail
    assert "--sql" in failed.value.advice


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def project(recorded) return", ":1 cannot be loaded"),
        ("import nothing_of_that_name", ":1 cannot be loaded"),
        ("x = 1", "defines no function project"),
        ("def project(recorded): ...", "defines no tables"),
    ],
)
def test_a_file_that_defines_nothing_to_replay_is_refused(
    log: Log, written: Callable[[str], Path], text: str, told: str
) -> None:
    with pytest.raises(Trouble) as refused:
        log.fold(written(text))
    assert told in refused.value.what
    assert "project(recorded)" in refused.value.advice


def test_a_slim_event_that_does_not_fit_is_told(log: Log, written: Callable[[str], Path]) -> None:
    won(log, None, MAY, 1000)
    path = written(
        BROKEN.replace("def half", """
from chassis.events import Event
class DealWon(Event, frozen=True, tag="pipeline.deal-won.v1"):
    colour: str
def half""")
    )  # fmt: skip
    with pytest.raises(Trouble) as failed:
        log.fold(path)
    assert "colour" in failed.value.what


def test_every_event_type_is_a_view_with_columns(log: Log) -> None:
    ada = person(log, "web")
    won(log, ada, MAY, 1000)
    won(log, ada, MAY + timedelta(days=40), 2000)
    rows = log.ask(
        "select strftime(closed_on, '%Y-%m') as month, p.source, sum(value_minor) as won "
        "from pipeline_deal_won d join contacts_person_added p on p.person_id = d.contact_id "
        "group by all order by 1"
    )
    assert rows == [
        {"month": "2026-05", "source": "web", "won": 1000},
        {"month": "2026-06", "source": "web", "won": 2000},
    ]
    assert log.ask("select count(*) as n from events") == [{"n": 3}]
    columns = {row["column_name"] for row in log.ask("describe contacts_person_added")}
    assert columns & {"first_name", "city", "emails"} == set()
    assert "Ada" not in json.dumps(log.ask("select * from events"))


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from 'https://example.com/events.csv'",
        "copy events to '/tmp/everlog-must-not-be-here.csv'",
        "attach '/tmp/everlog-must-not-be-here.db'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "selec 1",
    ],
)
def test_sql_reaches_nothing_but_the_log(log: Log, sql: str) -> None:
    won(log, None, MAY, 1000)
    with pytest.raises(Trouble):
        log.ask(sql)


def test_results_are_saved_by_the_ending_of_their_path(tmp_path: Path) -> None:
    def rows(name: str = "won") -> Rows:
        values = [[UUID(int=7), MAY, 1.5, {"a": [1]}, None], [UUID(int=8), MAY, 2.5, {}, "x"]]
        return Rows(name, ["id", "at", "days", "more", "note"], values)

    assert save([rows()], tmp_path / "a.csv") == {"won": 2}
    [first, _] = csv.DictReader((tmp_path / "a.csv").read_text().splitlines())
    assert first == {
        "id": str(UUID(int=7)), "at": "2026-05-01T12:00:00Z", "days": "1.5", "more": '{"a": [1]}',
        "note": "",
    }  # fmt: skip
    save([rows()], tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text())[1]["note"] == "x"
    save([rows()], tmp_path / "a.parquet")
    assert parquet.read_table(tmp_path / "a.parquet").column("days").to_pylist() == [1.5, 2.5]
    assert save([rows(), rows("lost")], tmp_path / "both") == {"won": 2, "lost": 2}
    assert (tmp_path / "both" / "lost.csv").exists()
    for path in (tmp_path / "a.xlsx", tmp_path / "nowhere" / "a.csv"):
        with pytest.raises((Trouble, OSError)):
            save([rows()], path)
    with pytest.raises(Trouble, match="several tables"):
        save([rows(), rows("lost")], tmp_path / "b.csv")


def test_csv_has_empty_cells_for_nothing() -> None:
    file = io.StringIO()
    assert write_csv(Rows("a", ["x", "y"], [(None, True), (1, "a,b")]), file) == 2
    assert file.getvalue() == 'x,y\n,true\n1,"a,b"\n'
