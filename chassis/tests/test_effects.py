"""Effects happen at most once; reminders come when their time has come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis.clock import SetClock
from chassis.codec import Codec
from chassis.decider import handle
from chassis.ids import new_id
from chassis.manifest import Manifest
from chassis.memory.event_log import MemoryEventLog
from chassis.postgres.database import Database, dsn_for
from chassis.postgres.effects import AGAIN, Effects
from chassis.postgres.reminders import _TAKE, PostgresReminders
from chassis.reaction import Ask, Due, Later, NoLonger, Order
from chassis.setup import prepare_database
from chassis.testing.contracts import NOON, context, send
from chassis.testing.parcels import EVENTS, PARCEL, Scan
from chassis.vault import Keyring

pytestmark = pytest.mark.integration
KEYRING = Keyring(bytes(32))


@pytest.fixture
async def database(postgres_dsn: str) -> AsyncIterator[Database]:
    manifest = Manifest("effects", deciders=(PARCEL,))
    await asyncio.to_thread(prepare_database, manifest, postgres_dsn, KEYRING)
    database = Database(dsn_for(postgres_dsn, "effects", "worker", KEYRING), name="effects")
    await database.start()
    yield database
    await database.stop()


class Mailbox:
    """What was sent, and what was recorded about it."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.recorded: list[tuple[str, str | None]] = []

    async def send(self) -> tuple[str, str | None]:
        self.sent.append("mail")
        return "done", "250 ok"

    async def fail(self) -> tuple[str, str | None]:
        self.sent.append("mail")
        raise ConnectionError("reset after the data was sent")

    async def record(self, status: str, detail: str | None) -> None:
        self.recorded.append((status, detail))


async def test_an_effect_is_done_once_however_often_it_is_asked_for(database: Database) -> None:
    box, workspace, id_ = Mailbox(), new_id(), new_id()
    one, two = (Effects(database, SetClock(NOON), by) for by in ("one", "two"))
    done = await asyncio.gather(
        *(e.once(workspace, id_, "mail", box.send, box.record) for e in (one, two, one, two))
    )
    assert sorted(done) == [False, False, False, True]
    assert box.sent == ["mail"]
    assert box.recorded == [("done", "250 ok")]


async def test_an_effect_that_breaks_off_is_uncertain_and_not_repeated(database: Database) -> None:
    box, workspace, id_ = Mailbox(), new_id(), new_id()
    effects = Effects(database, SetClock(NOON), "one")
    assert await effects.once(workspace, id_, "mail", box.fail, box.record)
    assert not await effects.once(workspace, id_, "mail", box.send, box.record)
    assert box.sent == ["mail"]
    assert box.recorded[0][0] == "uncertain"


async def test_an_effect_that_certainly_did_not_happen_may_be_tried_again(
    database: Database,
) -> None:
    box, workspace, id_ = Mailbox(), new_id(), new_id()
    effects = Effects(database, SetClock(NOON), "one")

    async def not_now() -> tuple[str, str | None]:
        return AGAIN, "451 try later"

    assert await effects.once(workspace, id_, "mail", not_now, box.record)
    assert await effects.once(workspace, id_, "mail", box.send, box.record)
    assert not await effects.once(workspace, id_, "mail", box.send, box.record)
    assert box.sent == ["mail"]
    assert [status for status, _ in box.recorded] == ["again", "done"]


async def test_an_effect_whose_process_died_is_found_later(database: Database) -> None:
    box, workspace, id_, clock = Mailbox(), new_id(), new_id(), SetClock(NOON)
    effects = Effects(database, clock, "one")

    async def die() -> tuple[str, str | None]:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await effects.once(workspace, id_, "mail", die, box.record)
    assert id_ not in {a.id for a in await effects.abandoned(older_than_s=60)}
    clock.move(timedelta(minutes=2))
    assert id_ in {a.id for a in await effects.abandoned(older_than_s=60)}
    await effects.settle(workspace, id_, "uncertain", "its process died")
    assert id_ not in {a.id for a in await effects.abandoned(older_than_s=60)}
    assert not await effects.once(workspace, id_, "mail", box.send, box.record)


def scan_it(_: UUID, key: str, payload: Mapping[str, Any], due_at: datetime) -> list[Order]:
    return [Ask(PARCEL, UUID(key), Scan(payload["city"], due_at))]


async def test_a_reminder_acts_when_its_time_has_come_and_once(database: Database) -> None:
    clock, workspace, parcel = SetClock(NOON), new_id(), new_id()
    log = MemoryEventLog(Codec(EVENTS), KEYRING, clock)
    reminders = PostgresReminders(database, clock)
    dues = [Due("scan", scan_it)]
    await handle(log, PARCEL, parcel, send(parcel), context(workspace), new=True)
    later = Later("scan", str(parcel), NOON + timedelta(hours=1), {"city": "Oslo"})
    await reminders.later(workspace, later)
    assert await reminders.step(dues, log) == 0
    clock.move(timedelta(hours=2))
    await asyncio.gather(reminders.step(dues, log), reminders.step(dues, log))
    assert [s.version for s in log.stored(workspace, PARCEL.stream(parcel))] == [1, 2]
    assert await reminders.step(dues, log) == 0


async def test_two_workers_never_hold_the_same_reminder(database: Database) -> None:
    clock, workspace = SetClock(NOON), new_id()
    log = MemoryEventLog(Codec(EVENTS), KEYRING, clock)
    reminders = PostgresReminders(database, clock)
    await reminders.later(workspace, Later("held", str(new_id()), NOON, {"city": "Oslo"}))
    async with database.connection(None) as connection, connection.transaction():
        assert len(await connection.fetch(_TAKE, NOON, ["held"], 50)) == 1
        assert await reminders.step([Due("held", scan_it)], log) == 0
    assert await reminders.step([Due("held", scan_it)], log) == 1


async def test_a_reminder_can_be_moved_and_taken_back(database: Database) -> None:
    clock, workspace, parcel = SetClock(NOON), new_id(), new_id()
    log = MemoryEventLog(Codec(EVENTS), KEYRING, clock)
    reminders = PostgresReminders(database, clock)
    dues = [Due("scan", scan_it)]
    for minutes in (5, 90):
        at = NOON + timedelta(minutes=minutes)
        await reminders.later(workspace, Later("scan", str(parcel), at, {"city": "Oslo"}))
    clock.move(timedelta(hours=1))
    assert await reminders.step(dues, log) == 0
    await reminders.no_longer(workspace, NoLonger("scan", str(parcel)))
    clock.move(timedelta(hours=1))
    assert await reminders.step(dues, log) == 0


async def test_a_reminder_that_fails_is_tried_again_and_says_why(database: Database) -> None:
    clock, workspace, parcel = SetClock(NOON), new_id(), new_id()
    log = MemoryEventLog(Codec(EVENTS), KEYRING, clock)
    reminders = PostgresReminders(database, clock)
    dues = [Due("scan", scan_it)]
    await reminders.later(workspace, Later("scan", str(parcel), NOON, {"city": "Oslo"}))
    assert await reminders.step(dues, log) == 1
    async with database.connection(None) as connection:
        error = await connection.fetchval(
            "select error from road.due where workspace_id = $1", workspace
        )
    assert "NotFound" in error
    assert await reminders.step(dues, log) == 0
    await handle(log, PARCEL, parcel, send(parcel), context(workspace), new=True)
    clock.move(timedelta(minutes=1))
    assert await reminders.step(dues, log) == 1
    assert len(log.stored(workspace, PARCEL.stream(parcel))) == 2
