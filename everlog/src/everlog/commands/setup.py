"""`everlog setup`: prepare the database, the topic and the read models of every service.

A topic that Kafka has lost is filled again at once: a service would publish nothing before.
"""

from __future__ import annotations

import asyncio
import importlib
import os

from chassis.backup.restoring import is_there
from chassis.errors import TooOld, WrongKey
from chassis.kafka.source import RangeSource
from chassis.kafka.topics import existing_topics, partitions_of
from chassis.manifest import Manifest
from embedded.errors import Trouble
from everlog.home import Home
from everlog.operating import require_servers
from everlog.output import Json, Report, reporting
from everlog.republishing import fill_what_was_lost
from everlog.services import SERVICES, installed_services, is_installed
from everlog.status import current_home


def setup(json: Json = False) -> None:
    """Prepare databases, topics and read models. Done at every start; again: no harm."""
    with reporting(json) as report:
        home = current_home(os.environ)
        home.ensure()
        require_servers(home)
        done = asyncio.run(_set_up_all(home, report))
        missing = [name for name in SERVICES if name not in done]
        text = f"Set up: {', '.join(done) or 'nothing'}"
        if missing:
            text += f" (not there: {', '.join(missing)})"
        report.show({"set_up": done, "missing": missing}, text)


async def _set_up_all(home: Home, report: Report) -> list[str]:
    if not is_installed("chassis.setup"):
        report.say("The chassis cannot set services up yet; skipped.")
        return []
    prepare = importlib.import_module("chassis.setup").prepare
    done = []
    for name in installed_services():
        report.say(f"Setting up {name}")
        manifest = importlib.import_module(f"{name}.manifest").MANIFEST
        await _refuse_to_begin_anew(home, manifest)
        try:
            await prepare(
                manifest=manifest,
                postgres=home.postgres_admin,
                kafka=home.kafka,
                secrets=home.secrets,
            )
        except WrongKey as error:
            key = home.secrets / "master.key"
            raise Trouble(str(error), f"Put the right {key} back from your copy.") from error
        except TooOld as error:
            raise Trouble(str(error), "Name another one with EVERLOG_POSTGRES.") from error
        done.append(name)
    await fill_what_was_lost(home, done, report)
    return done


async def _refuse_to_begin_anew(home: Home, manifest: Manifest) -> None:
    """An empty store beside a topic that holds events would go on where they begin: what is written
    then contradicts what was."""
    if is_there(manifest.service, home.postgres_admin):
        return
    if manifest.topic not in await existing_topics(home.kafka):
        return
    partitions = partitions_of([manifest.topic])
    source = RangeSource(home.kafka, dict.fromkeys(partitions, 0))
    await source.start()
    try:
        held = sum((await source.ends(partitions)).values())
    finally:
        await source.stop()
    if held:
        raise Trouble(
            f"The event store of {manifest.service} is gone, and its topic holds {held} events.",
            f"everlog restore {manifest.service} --from-kafka (or restore a backup), then make up.",
        )
