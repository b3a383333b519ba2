"""Restoring, as the operator's command does it: a whole platform from a backup, or one event store
from Kafka."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2

from chassis.backup.archive import SUFFIX, Backup
from chassis.backup.from_kafka import Broker, Refilled, refill
from chassis.backup.restoring import (
    Store,
    destroyed_by,
    destroyed_in,
    events_in,
    fill,
)
from chassis.errors import EverlogError
from chassis.kafka.bookmark import Bookmark
from chassis.kafka.reading import KeyPlace, keys_on_kafka
from chassis.kafka.sink import KafkaSink
from chassis.kafka.source import RangeSource
from chassis.kafka.topics import delete_topics, existing_topics, make_topics
from chassis.releases import bring_up_to_date
from chassis.setup import prepare, topics_of
from chassis.vault import Keyring
from chassis.wire import KEYS_TOPIC
from embedded.errors import Trouble
from everlog.home import Home
from everlog.offline import servers, servers_alone
from everlog.operating import connected, manifest_of
from everlog.output import Report
from everlog.republishing import fill_again


@dataclass(frozen=True, slots=True)
class Erased:
    """A person whose key was destroyed after the backup: what it held of them stays unreadable."""

    service: str
    workspace: str
    subject: str


@dataclass(slots=True)
class Restored:
    """What came back. `steps`: how many seconds each took."""

    source: str
    events: dict[str, int] = field(default_factory=dict)
    read_models: dict[str, list[str]] = field(default_factory=dict)
    erased_since: list[Erased] = field(default_factory=list)
    steps: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0


class _Watch:
    """Says what is being done, and keeps how long it took."""

    def __init__(self, report: Report, done: Restored) -> None:
        self._report, self._done = report, done
        self._begin = self._since = time.monotonic()

    def done(self, step: str) -> None:
        """This step is over."""
        now = time.monotonic()
        self._done.steps[step] = round(now - self._since, 2)
        self._since, self._done.seconds = now, round(now - self._begin, 2)
        self._report.say(f"  {step} in {self._done.steps[step]} s")


def open_backup(path: Path) -> Backup:
    """A backup. Raises Trouble if it is none."""
    try:
        return Backup(path)
    except (EverlogError, OSError) as error:
        raise Trouble(f"{path} cannot be read.", "", str(error)) from error


def check_whole(found: Backup, told: Callable[[int, int], None]) -> None:
    """Raises Trouble if something of it is damaged."""
    try:
        found.check(told)
    except EverlogError as error:
        raise Trouble(f"{found.path} is damaged. Take another one.", "", str(error)) from error


def restore_all(home: Home, path: Path, *, replace: bool, report: Report) -> Restored:
    """Bring everything back from a backup, as long as no service runs.

    Whatever is there is replaced only when the backup has been read as a whole and stands beside.
    """
    done = Restored(str(path))
    with open_backup(path) as backup:
        keyring = _keyring(home, backup)
        watch = _Watch(report, done)
        with report.progress(f"Checking {path.name}") as told:
            check_whole(backup, lambda read, total: told("bytes", read, total))
        watch.done("checked")
        with servers_alone(home, report):
            watch.done("servers started")
            _refuse_to_overwrite(home, backup, replace)
            _fill_all(home, backup, keyring, report, done)
            watch.done("event stores filled")
            _put_all_in_place(home, backup, keyring)
            asyncio.run(_republish_all(home, backup.manifest.services, report))
            watch.done("topics filled")
            for name in backup.manifest.services:
                done.read_models[name] = asyncio.run(_rebuild_all(home, name, report))
            watch.done("read models rebuilt")
    (home.path / "sample").write_text("restored\n")
    return done


def _keyring(home: Home, backup: Backup) -> Keyring:
    path = home.secrets / "master.key"
    advice = f"Put the master.key that belongs to the backup there, from your copy: {path}"
    if not path.exists():
        raise Trouble("There is no master key, and nothing in a backup opens without it.", advice)
    keyring = Keyring.from_file(path)
    if keyring.fingerprint().hex() != backup.manifest.key:
        raise Trouble(f"{backup.path} was taken under another master key.", advice)
    return keyring


def _refuse_to_overwrite(home: Home, backup: Backup, replace: bool) -> None:
    there = {s: events_in(s, home.postgres_admin) for s in backup.manifest.services}
    if any(there.values()) and not replace:
        told = ", ".join(f"{count} of {service}" for service, count in there.items() if count)
        raise Trouble(
            f"This platform is not empty: it holds events, {told}.",
            "With --replace they go, and what the backup holds takes their place. Take a backup of "
            "them before: everlog backup",
        )


def _fill_all(home: Home, backup: Backup, keyring: Keyring, report: Report, done: Restored) -> None:
    destroyed = _destroyed(home, backup, report)
    for name in backup.manifest.services:
        report.say(f"Restoring {name}")
        store = Store(manifest_of(name), home.postgres_admin, keyring)
        try:
            erased = fill(store, backup, destroyed)
        except (EverlogError, psycopg2.Error) as error:
            advice = "Nothing was changed."
            raise Trouble(f"{name} could not be restored.", advice, str(error)) from error
        done.erased_since += [Erased(name, str(w), str(subject)) for w, subject in erased]
        done.events[name] = sum(c.rows for c in backup.of(name) if c.table == "log.events")


def _destroyed(home: Home, backup: Backup, report: Report) -> set[KeyPlace]:
    """Every key that anybody knows to be destroyed: the stores that are there, the keys topic, this
    backup and all others in its folder. Destroyed once is destroyed for ever."""
    found = destroyed_by(backup)
    for name in backup.manifest.services:
        found |= destroyed_in(name, home.postgres_admin)
    found |= asyncio.run(_destroyed_on_kafka(home))
    for path in sorted(backup.path.absolute().parent.glob(f"*{SUFFIX}")):
        if path == backup.path.absolute():
            continue
        try:
            with Backup(path) as other:
                if other.manifest.key == backup.manifest.key:
                    found |= destroyed_by(other)
        except (EverlogError, OSError) as error:
            report.say(f"{path.name} was not asked for destroyed keys: {error}")
    return found


async def _destroyed_on_kafka(home: Home) -> set[KeyPlace]:
    if KEYS_TOPIC not in await existing_topics(home.kafka):
        return set()
    return (await keys_on_kafka(lambda at: RangeSource(home.kafka, at)))[1]


def _put_all_in_place(home: Home, backup: Backup, keyring: Keyring) -> None:
    """From here on there is no way back. Whoever is ended in between starts the platform: what is
    missing is made, filled and rebuilt then."""
    names = backup.manifest.services
    topics = {topic for name in names for topic in topics_of(manifest_of(name))}
    asyncio.run(delete_topics(home.kafka, topics))
    for name in names:
        Store(manifest_of(name), home.postgres_admin, keyring).put_in_place()


async def _republish_all(home: Home, services: Iterable[str], report: Report) -> None:
    for name in services:
        await _prepare(home, name)
    for name in services:
        if manifest_of(name).published_topics():
            async with connected(home, name) as service:
                await fill_again(service, report)


async def _rebuild_all(home: Home, name: str, report: Report) -> list[str]:
    async with connected(home, name) as service:
        with report.waiting(f"Rebuilding {name}") as status:
            try:
                return await bring_up_to_date(
                    service, lambda model: status.update(f"Rebuilding {name}/{model}")
                )
            except EverlogError as error:
                raise Trouble(
                    f"A read model of {name} could not be rebuilt; its event store is restored.",
                    "See docs/runbook.md, 'Something is parked'.",
                    str(error),
                ) from error


def restore_store(
    home: Home, name: str, rest: Path | None, *, replace: bool, report: Report
) -> tuple[Restored, Refilled]:
    """Fill a lost event store again from its topic; the platform may run or be down.

    `rest`: the backup to take from what is not on Kafka.
    """
    manifest, done = manifest_of(name), Restored(f"Kafka, {manifest_of(name).topic}")
    if not manifest.published_topics():
        raise Trouble(f"{name} has no events of its own.", f"everlog rebuild {name}")
    with ExitStack() as stack:
        stack.enter_context(servers(home, report))
        watch = _Watch(report, done)
        if (there := events_in(name, home.postgres_admin)) and not replace:
            raise Trouble(
                f"The event store of {name} is there, with {there} events.",
                "With --replace it goes, and what Kafka holds takes its place.",
            )
        keyring = Keyring.from_file(home.secrets / "master.key")
        backup = None
        if rest is not None:
            backup = stack.enter_context(open_backup(rest))
            keyring = _keyring(home, backup)
            with report.progress(f"Checking {rest.name}") as told:
                check_whole(backup, lambda read, total: told("bytes", read, total))
        store = Store(manifest, home.postgres_admin, keyring)
        refilled = asyncio.run(_refill(home, store, backup, report))
        watch.done("event store filled")
        store.put_in_place()
        done.events[name] = refilled.events
        asyncio.run(_prepare(home, name))
        done.read_models[name] = asyncio.run(_rebuild_all(home, name, report))
        watch.done("read models rebuilt")
    return done, refilled


async def _prepare(home: Home, name: str) -> None:
    await prepare(
        manifest=manifest_of(name),
        postgres=home.postgres_admin,
        kafka=home.kafka,
        secrets=home.secrets,
    )


async def _refill(home: Home, store: Store, backup: Backup | None, report: Report) -> Refilled:
    manifest = store.manifest
    await make_topics(home.kafka, topics_of(manifest))
    mark, sink = Bookmark(home.kafka, manifest.service), await KafkaSink.open(home.kafka)
    try:
        topics = await sink.topics(manifest.published_topics())
        broker = Broker(lambda at: RangeSource(home.kafka, at), topics, mark.read)
        with report.progress(f"Restoring {manifest.service}") as told:
            return await refill(store, broker, told, backup)
    except (EverlogError, ValueError, psycopg2.Error) as error:
        raise Trouble(
            f"The event store of {manifest.service} could not be filled from Kafka.",
            "Nothing was changed. If Kafka lacks something, restore a backup.",
            str(error),
        ) from error
    finally:
        await mark.close()
        await sink.close()
