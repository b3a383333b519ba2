"""`everlog republish`: fill topics again from the event stores, when Kafka lost them."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from chassis.kafka.topics import make_topics
from chassis.setup import topics_of
from embedded.errors import Trouble
from everlog.home import Home
from everlog.operating import chosen, connected, manifest_of, require_servers
from everlog.output import Json, Report, reporting
from everlog.republishing import fill_again
from everlog.status import current_home


@dataclass(frozen=True, slots=True)
class Filled:
    """What was published again for one service."""

    service: str
    events: int
    keys: int
    destroyed_keys: int
    seconds: float


def republish(
    service: Annotated[str, typer.Argument(help="Whose events.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Of every service.")] = False,
    json: Json = False,
) -> None:
    """Publish keys and events again, exactly as they are stored. Writes go on meanwhile."""
    with reporting(json) as report:
        if everything == bool(service):
            raise Trouble("Name a service, or say --all.", "For example: everlog republish --all")
        done = asyncio.run(_republish_all(current_home(os.environ), service or None, report))
        lines = [
            f"{each.service}: {each.events} events and {each.keys} keys in {each.seconds} s"
            for each in done
        ]
        report.show([asdict(each) for each in done], *lines)


async def _republish_all(home: Home, service: str | None, report: Report) -> list[Filled]:
    require_servers(home)
    done = []
    for name in chosen(service):
        await make_topics(home.kafka, topics_of(manifest_of(name)))
        if not manifest_of(name).published_topics():
            report.say(f"{name} publishes nothing")
            continue
        async with connected(home, name) as running:
            begin = time.monotonic()
            filled = await fill_again(running, report)
            seconds = round(time.monotonic() - begin, 2)
        done.append(Filled(name, filled.events, filled.keys, filled.destroyed_keys, seconds))
    return done
