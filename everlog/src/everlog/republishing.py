"""Filling topics again, as the operator's commands do it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from chassis.errors import EverlogError
from chassis.kafka.sink import KafkaSink
from chassis.relay import lost_topics
from chassis.republish import Origin, Republished, republish
from chassis.service import Service
from embedded.errors import Trouble
from everlog.home import Home
from everlog.operating import connected, manifest_of
from everlog.output import Report


async def fill_what_was_lost(home: Home, services: Sequence[str], report: Report) -> list[str]:
    """Publish again what services had published to topics that are new by now; which ones."""
    filled = []
    there = await _there(home, services)
    for name in services:
        topics = manifest_of(name).published_topics()
        if not topics:
            continue
        async with connected(home, name) as service:
            if gone := lost_topics(topics, await service.outbox.topics(), there):
                report.say(f"Kafka has lost {', '.join(gone)}: publishing {name} again")
                await fill_again(service, report)
                filled.append(name)
    return filled


async def _there(home: Home, services: Sequence[str]) -> Mapping[str, UUID]:
    topics = {topic for name in services for topic in manifest_of(name).published_topics()}
    sink = await KafkaSink.open(home.kafka)
    try:
        return await sink.topics(topics)
    finally:
        await sink.close()


async def fill_again(service: Service, report: Report) -> Republished:
    """Publish everything of a service again, with a progress bar. Raises Trouble."""
    name = service.manifest.service
    with report.progress(f"Republishing {name}") as told:

        async def tell(what: str, done: int, total: int) -> None:
            told(what, done, total)

        try:
            return await republish(_origin(service), tell)
        except EverlogError as error:
            raise Trouble(
                f"{name} could not be republished.",
                "Nothing is harmed. Mend the cause and ask again: it goes on where it was.",
                str(error),
            ) from error


def _origin(service: Service) -> Origin:
    kafka = service.settings.kafka
    return Origin(
        service.manifest.service,
        service.work,
        service.outbox,
        service.manifest.published_topics(),
        lambda: KafkaSink.open(kafka),
    )
