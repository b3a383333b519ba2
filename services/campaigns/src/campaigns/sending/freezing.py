"""Freezes the audience of a launched broadcast: one message per person, in one transaction.

Whoever cannot be written to gets a message all the same, refused at once with the reason: that is
the answer to "why did this person get no mail?". The messages and the start of the broadcast are
appended together: a crash leaves nothing half frozen.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog

from campaigns.domain.broadcast import BROADCAST, StartBroadcast
from campaigns.domain.message import MESSAGE, PlanMessage, message_id_of
from campaigns.domain.template import TEMPLATE, existing
from campaigns.read_models.recipients import fetch_audience
from campaigns.sending.silence import fetch_silent_among
from chassis.decider import load_state
from chassis.errors import StaleVersion
from chassis.ports import Append, Context
from chassis.postgres.database import Record
from chassis.service import Service

log = structlog.get_logger("sender")


async def freeze(service: Service, context: Context, broadcast_id: UUID) -> None:
    """Freeze and start; without effect if it was done before."""
    broadcast, version = await load_state(service.work_log, BROADCAST, broadcast_id, context)
    if broadcast is None or broadcast.status != "starting":
        return
    found, template_version = await load_state(
        service.work_log, TEMPLATE, broadcast.template_id, context
    )
    template = existing(found)
    template.content.wording()
    async with service.work.connection(context.workspace) as connection:
        rows = await fetch_audience(
            connection, context.workspace, broadcast.audience, broadcast.topic
        )
        keys = [row["email_key"] for row in rows if row["email_key"]]
        silent = await fetch_silent_among(
            connection, service.keyring, context.workspace, keys, broadcast.topic
        )
    now = service.clock.now()
    appends = _planned(broadcast_id, rows, silent, now)
    start = StartBroadcast(template.content.subject, len(appends), template_version, now)
    appends.append(BROADCAST.append_of(broadcast_id, BROADCAST.decide(start, broadcast), version))
    try:
        await service.work_log.append_many(context, appends)
    except StaleVersion:
        log.info("somebody else froze it", broadcast=str(broadcast_id))
        return
    log.info("audience frozen", broadcast=str(broadcast_id), people=len(appends) - 1)


def _planned(
    broadcast_id: UUID, rows: Sequence[Record], silent: frozenset[str], now: datetime
) -> list[Append]:
    appends = []
    written_to: set[str] = set()
    for row in rows:
        refusal = _refusal(row, silent, written_to)
        if refusal is None:
            written_to.add(row["email_key"])
        id_ = message_id_of(broadcast_id, row["person_id"])
        plan = PlanMessage(id_, broadcast_id, row["person_id"], refusal, now)
        appends.append(MESSAGE.append_of(id_, MESSAGE.decide(plan, None), 0))
    return appends


def _refusal(row: Record, silent: frozenset[str], written_to: set[str]) -> str | None:
    if row["blocked"] is not None:
        return str(row["blocked"])
    if row["email_key"] is None:
        return "no-address"
    if row["email_key"] in silent:
        return "unsubscribed"
    if row["email_key"] in written_to:
        return "same-address"
    return None
