"""The sender: freezes launched broadcasts, sends what is planned, calls lost mails uncertain.

One process has the turn. It looks round: every broadcast under way gets a page of its messages
sent, over a few connections and at the pace that was set, then the next one. What is to be sent is
asked of a read model, which may lag; the send ledger and the log decide.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from campaigns.domain.broadcast import BROADCAST, FinishBroadcast
from campaigns.domain.message import MESSAGE, MarkUncertain
from campaigns.read_models.broadcasts import fetch_under_way
from campaigns.read_models.messages import fetch_to_send
from campaigns.read_models.recipients import fetch_readers
from campaigns.sending import standing
from campaigns.sending.delivery import KIND, MAILS, Deliveries, NotNow
from campaigns.sending.freezing import freeze
from campaigns.sending.pace import Pace
from campaigns.sending.silence import fetch_silent_among
from campaigns.sending.smtp import MailServer, MailServerAway, PostOffice
from campaigns.sending.wordings import Worded, Wordings
from campaigns.settings import CampaignSettings
from chassis.decider import handle, load_state
from chassis.ids import new_id
from chassis.ports import Context
from chassis.postgres.database import Record
from chassis.reactor import INFRASTRUCTURE
from chassis.service import Service
from chassis.telemetry import work

_PAGE = 100
_REST_S = 0.2
_STANDBY_S = 1.0
_LOST_EVERY_S = 2.0
_STILL_S = 0.25
_BACKOFF_S = (1.0, 2.0, 5.0, 10.0, 30.0)
_LAST_WORDS_S = 15.0

log = structlog.get_logger("sender")


async def send_mail(service: Service) -> None:
    """The worker: waits for its turn, then sends until it is stopped."""
    settings = service.settings
    if not isinstance(settings, CampaignSettings):
        raise TypeError("campaigns need CampaignSettings")
    sender = Sender(service, settings)
    try:
        await sender.run()
    finally:
        await sender.close()


@dataclass(slots=True)
class _Job:
    """A page of messages of one broadcast."""

    context: Context
    worded: Worded
    messages: deque[Record]
    readers: dict[UUID, Record]
    silent: frozenset[str]
    looked_at: datetime
    sending: bool = True
    away: str | None = None


class Sender:
    """See the module."""

    def __init__(self, service: Service, settings: CampaignSettings) -> None:
        self._service = service
        self._settings = settings
        self._office = PostOffice(
            MailServer.parse(settings.smtp.get_secret_value()),
            timeout_s=settings.mail_timeout_s,
            per_connection=settings.mail_per_connection,
        )
        self._deliveries = Deliveries(service, settings, self._office)
        self._wordings = Wordings(service.work_log)
        self._pace = Pace(service.clock, settings.mail_per_second)
        self._turn = standing.turn(service.work)
        self._beyond: dict[tuple[UUID, UUID], UUID] = {}
        self._in_hand: set[asyncio.Task[None]] = set()
        self._away_since: datetime | None = None
        self._failures = 0
        self._not_before: datetime | None = None
        self._looked_for_lost: datetime | None = None

    async def run(self) -> None:
        """Wait for the turn, then send until cancelled. Raises Fenced if the turn is lost."""
        while not await self._turn.take():  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(_STANDBY_S)
        await self._turn.during(self._send())

    async def _send(self) -> None:
        await self._note_back()
        while True:
            if not await self.step():
                await asyncio.sleep(_REST_S)

    async def close(self) -> None:
        """Let letters that are being handed over come to their result; then go."""
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=_LAST_WORDS_S)
        self._turn.give_up()
        await self._office.close()

    async def step(self) -> bool:
        """One look round; whether there was anything to do."""
        await self._settle_lost()
        async with self._service.work.connection(None) as connection:
            rows = await fetch_under_way(connection)
        busy = False
        for row in rows:
            try:
                busy = await self._attend(row) or busy
            except INFRASTRUCTURE:
                raise
            except Exception as error:
                log.error("broadcast", broadcast=str(row["broadcast_id"]), exc_info=error)
        return busy

    async def _attend(self, row: Record) -> bool:
        workspace, broadcast_id = row["workspace_id"], row["broadcast_id"]
        context = Context(workspace, "worker:sender", broadcast_id)
        if row["status"] == "starting":
            with work("freeze audience", {"everlog.broadcast.id": str(broadcast_id)}):
                await freeze(self._service, context, broadcast_id)
            return True
        if row["complete"]:
            counts = (row["sent"], row["refused"], row["uncertain"])
            command = FinishBroadcast(*counts, self._service.clock.now())
            await handle(self._service.work_log, BROADCAST, broadcast_id, command, context)
            self._beyond.pop((workspace, broadcast_id), None)
            return False
        if row["status"] == "paused" or self._waiting():
            return False
        return await self._send_page(context, broadcast_id)

    def _waiting(self) -> bool:
        return self._not_before is not None and self._service.clock.now() < self._not_before

    async def _send_page(self, context: Context, broadcast_id: UUID) -> bool:
        job = await self._job(context, broadcast_id)
        if job is None:
            return False
        lanes = [
            asyncio.create_task(self._lane(job)) for _ in range(self._settings.mail_connections)
        ]
        try:
            await asyncio.gather(*lanes)
        finally:
            for lane in lanes:
                lane.cancel()
        if job.away is not None:
            await self._note_away(job.away)
            self._beyond.pop((context.workspace, broadcast_id), None)
            return False
        if self._away_since is not None or self._failures:
            await self._note_back()
        return True

    async def _job(self, context: Context, broadcast_id: UUID) -> _Job | None:
        """The next messages, in order round and round, so that a lagging read model does not
        offer the same ones again at once."""
        place = (context.workspace, broadcast_id)
        now = self._service.clock.now()
        async with self._service.work.connection(context.workspace) as connection:
            messages: Sequence[Record] = await fetch_to_send(
                connection, *place, now=now, beyond=self._beyond.get(place), most=_PAGE
            )
            if not messages:
                self._beyond.pop(place, None)
                return None
            people = [message["person_id"] for message in messages]
            readers = await fetch_readers(connection, context.workspace, people)
            worded = await self._wordings.of(context, broadcast_id)
            silent = await fetch_silent_among(
                connection,
                self._service.keyring,
                context.workspace,
                [reader["email_key"] for reader in readers.values() if reader["email_key"]],
                worded.broadcast.topic,
            )
        self._beyond[place] = messages[-1]["message_id"]
        long_ago = now - timedelta(days=1)
        return _Job(context, worded, deque(messages), readers, silent, long_ago)

    async def _lane(self, job: _Job) -> None:
        while job.messages and job.away is None:
            await self._pace.wait()
            if not await self._still_sending(job) or not job.messages:
                return
            message = job.messages.popleft()
            task = asyncio.create_task(self._one(job, message))
            self._in_hand.add(task)
            task.add_done_callback(self._in_hand.discard)
            await asyncio.shield(task)

    async def _one(self, job: _Job, message: Record) -> None:
        reader = job.readers.get(message["person_id"])
        silent = reader is not None and reader["email_key"] in job.silent
        try:
            with work("deliver mail", {"everlog.message.id": str(message["message_id"])}):
                await self._deliveries.deliver(
                    job.context, job.worded, message["message_id"], reader, silent=silent
                )
        except (MailServerAway, NotNow) as error:
            job.away = str(error)

    async def _still_sending(self, job: _Job) -> bool:
        """Whether it was paused meanwhile: asked of the log, a few times a second at most."""
        now = self._service.clock.now()
        if job.sending and (now - job.looked_at).total_seconds() >= _STILL_S:
            job.looked_at = now
            broadcast_id = job.worded.broadcast.broadcast_id
            broadcast, _ = await load_state(
                self._service.work_log, BROADCAST, broadcast_id, job.context
            )
            job.sending = broadcast is not None and broadcast.status == "sending"
        return job.sending

    async def _settle_lost(self) -> None:
        """Mails whose process died between claim and result: uncertain, and not sent again."""
        now = self._service.clock.now()
        last = self._looked_for_lost
        if last is not None and (now - last).total_seconds() < _LOST_EVERY_S:
            return
        self._looked_for_lost = now
        effects = self._service.effects
        older_than_s = self._settings.mail_uncertain_after_s
        for lost in await effects.abandoned(older_than_s=older_than_s):
            if lost.kind != KIND:
                continue
            status = await self._call_uncertain(lost.workspace, lost.id)
            await effects.settle(lost.workspace, lost.id, status, "its process died")
            if status == "uncertain":
                MAILS.labels(status).inc()
            log.warning("a mail was lost sight of", message=str(lost.id), status=status)

    async def _call_uncertain(self, workspace: UUID, message_id: UUID) -> str:
        """Say so in the log, unless it knows better; the word for the ledger."""
        context = Context(workspace, "worker:sender", new_id())
        message, _ = await load_state(self._service.work_log, MESSAGE, message_id, context)
        if message is None:
            return "uncertain"
        command = MarkUncertain(self._service.clock.now())
        await handle(self._service.work_log, MESSAGE, message_id, command, context)
        return {"sent": "done", "refused": "refused"}.get(message.status, "uncertain")

    async def _note_away(self, error: str) -> None:
        now = self._service.clock.now()
        self._away_since = self._away_since or now
        pause_s = _BACKOFF_S[min(self._failures, len(_BACKOFF_S) - 1)]
        self._failures += 1
        self._not_before = now + timedelta(seconds=pause_s)
        log.warning("nothing can be sent", error=error, again_in_s=pause_s)
        async with self._service.work.connection(None) as connection:
            await standing.note_away(connection, self._away_since, error)

    async def _note_back(self) -> None:
        self._away_since, self._failures, self._not_before = None, 0, None
        async with self._service.work.connection(None) as connection:
            await standing.note_back(connection)
