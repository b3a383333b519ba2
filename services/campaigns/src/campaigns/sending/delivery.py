"""One message from its claim to its result: the last look, the letter, the verdict, the event.

Order matters. A connection that works comes first, so that an outage claims nothing. Then the claim
in the send ledger; after it the last look at the log (has it been sent, does the reader still want
it?); then the server; then the result. Whoever is killed between claim and result leaves a claim
that is called uncertain later, and never a second mail.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from prometheus_client import Counter

from campaigns.domain.message import (
    MESSAGE,
    DeferMessage,
    MarkSent,
    MarkUncertain,
    Message,
    MessageCommand,
    RefuseMessage,
)
from campaigns.domain.recipient import RECIPIENT
from campaigns.domain.wording import Urls
from campaigns.read_models.recipients import values_of
from campaigns.sending.letter import (
    BadAddress,
    Letter,
    Series,
    Stationery,
    broadcast_letter,
    reader_address,
)
from campaigns.sending.links import Links, Target
from campaigns.sending.smtp import PostOffice, Verdict
from campaigns.sending.wordings import Worded
from campaigns.settings import CampaignSettings
from chassis.decider import handle, load_state
from chassis.ports import Context
from chassis.postgres.database import Record
from chassis.postgres.effects import AGAIN
from chassis.reactor import INFRASTRUCTURE
from chassis.service import Service

KIND = "mail"
_ATTEMPTS_MOST = 8
_PAUSE_MOST_S = 6 * 3600.0
_HAND_OVER_S = 90.0
_RECORD_TRIES = 20

MAILS = Counter(
    "everlog_mails", "Mails by what came of them: one may be deferred often.", ("outcome",)
)
_OUTCOMES = {
    MarkSent: "sent",
    RefuseMessage: "refused",
    DeferMessage: "deferred",
    MarkUncertain: "uncertain",
}
for _outcome in _OUTCOMES.values():  # from 0 on, so that the first one is seen as an increase
    MAILS.labels(_outcome)

log = structlog.get_logger("sender")


class NotNow(Exception):
    """Nothing can be sent at the moment; says why."""


class Deliveries:
    """Delivers messages; shared by everybody who does."""

    def __init__(self, service: Service, settings: CampaignSettings, office: PostOffice) -> None:
        self._service = service
        self._settings = settings
        self._office = office
        self._links = Links(service.keyring, settings.public_url)
        self._stationery = Stationery(settings.sender, settings.mail_reply_to, settings.returns)

    async def deliver(
        self,
        context: Context,
        worded: Worded,
        message_id: UUID,
        reader: Record | None,
        *,
        silent: bool = False,
    ) -> None:
        """Send a message, or record why not; at most once, whoever else tries.

        `silent`: the reader's address wants no such mail, whoever has it now. Raises
        MailServerAway (nothing was claimed) or NotNow (its claim was given back).
        """
        async with self._office.line() as line:
            attempt = _Attempt(self, context, worded, message_id, reader, silent, line.deliver)
            await self._service.effects.once(
                context.workspace, message_id, KIND, attempt.effect, attempt.record
            )
        if attempt.away is not None:
            raise NotNow(attempt.away)

    async def refusal(self, context: Context, worded: Worded, person_id: UUID) -> str | None:
        """Why the reader gets no mail, as of this moment: asked of the log, not of a read model."""
        recipient, _ = await load_state(self._service.work_log, RECIPIENT, person_id, context)
        return recipient.refusal(worded.broadcast.topic)

    async def message(self, context: Context, message_id: UUID) -> Message | None:
        """The message as the log has it."""
        return (await load_state(self._service.work_log, MESSAGE, message_id, context))[0]

    def letter(self, workspace: UUID, worded: Worded, message_id: UUID, reader: Record) -> Letter:
        """The letter to a reader. Raises BadAddress."""
        values = values_of(reader)
        target = Target(workspace, message_id)
        urls = Urls(
            self._links.unsubscribe(target),
            [
                self._links.clicked(Target(workspace, message_id, number))
                for number in range(len(worded.wording.links))
            ],
            self._links.opened(target),
        )
        return broadcast_letter(
            self._stationery,
            Series(workspace, worded.broadcast.broadcast_id, worded.broadcast.topic),
            message_id,
            reader_address(values["name"], values["email"]),
            worded.wording.fill(values, urls, self._settings.mail_imprint),
            self._links,
            self._service.clock.now(),
        )

    async def note(self, context: Context, message_id: UUID, command: MessageCommand) -> None:
        """Record a result. The world has moved already, so this does not give up lightly."""
        for attempt in range(_RECORD_TRIES):
            try:
                await handle(self._service.work_log, MESSAGE, message_id, command, context)
                return
            except INFRASTRUCTURE as error:
                if attempt == _RECORD_TRIES - 1:
                    raise
                log.warning("cannot record", message=str(message_id), error=error)
                await asyncio.sleep(min(0.1 * 2**attempt, 5))

    def now(self) -> datetime:
        """The time."""
        return self._service.clock.now()

    def later(self, message: Message, reason: str) -> MessageCommand:
        """Try again after a pause that grows, or give up."""
        now = self._service.clock.now()
        if message.attempts + 1 >= _ATTEMPTS_MOST:
            return RefuseMessage(f"given-up-{reason}", None, now)
        pause_s = min(self._settings.mail_first_retry_s * 4**message.attempts, _PAUSE_MOST_S)
        return DeferMessage(reason, now + timedelta(seconds=pause_s), now)

    def verdict_as_command(self, message: Message, verdict: Verdict) -> MessageCommand | None:
        """What the server said, as a command; None: it said nothing about this message."""
        now = self._service.clock.now()
        match verdict.said:
            case "taken":
                return MarkSent(now)
            case "never":
                return RefuseMessage(verdict.reason, verdict.status, now)
            case "later":
                return self.later(message, verdict.reason)
            case "away":
                return None

    def refused(self, reason: str) -> MessageCommand:
        """It is not sent, for a reason of ours."""
        return RefuseMessage(reason, None, self._service.clock.now())

    def uncertain(self) -> MessageCommand:
        """Nobody knows."""
        return MarkUncertain(self._service.clock.now())


class _Attempt:
    """One claim. `away`: why nothing can be sent at the moment, if that turned out."""

    def __init__(
        self,
        deliveries: Deliveries,
        context: Context,
        worded: Worded,
        message_id: UUID,
        reader: Record | None,
        silent: bool,
        hand_over: Callable[[Letter], Awaitable[Verdict]],
    ) -> None:
        self.away: str | None = None
        self._deliveries = deliveries
        self._context = context
        self._worded = worded
        self._message_id = message_id
        self._reader = reader
        self._silent = silent
        self._hand_over = hand_over
        self._command: MessageCommand | None = None

    async def effect(self) -> tuple[str, str | None]:
        """See chassis.postgres.effects: done, refused or again; raises when nobody knows."""
        message: Message | None = None
        try:
            message = await self._deliveries.message(self._context, self._message_id)
            if message is None or message.status != "planned":
                return "done", "it was settled before"
            if message.retry_at is not None and message.retry_at > self._deliveries.now():
                return AGAIN, "its time has not come; the read model lags"
            letter = await self._letter(message)
        except INFRASTRUCTURE as error:
            self.away = f"the database: {type(error).__name__}"
            return AGAIN, None
        except Exception as error:
            log.error("cannot write a letter", message=str(self._message_id), exc_info=error)
            if message is not None:
                self._command = self._deliveries.later(message, "internal-error")
            return self._outcome()
        if letter is None:
            return self._outcome()
        self._command = self._deliveries.uncertain()
        async with asyncio.timeout(_HAND_OVER_S):
            verdict = await self._hand_over(letter)
        self._command = self._deliveries.verdict_as_command(message, verdict)
        if verdict.said == "away":
            self.away = f"the mail server takes none of our mail ({verdict.code})"
        return self._outcome()

    async def _letter(self, message: Message) -> Letter | None:
        """The letter; None if there is to be none, for the reason then in `_command`."""
        workspace, reader = self._context.workspace, self._reader
        reason = await self._deliveries.refusal(self._context, self._worded, message.person_id)
        if reason is None and (reader is None or not reader["email_key"]):
            reason = "no-address"
        if reason is None and self._silent:
            reason = "unsubscribed"
        if reason is None and reader is not None:
            try:
                return self._deliveries.letter(workspace, self._worded, self._message_id, reader)
            except BadAddress:
                reason = "bad-address"
        self._command = self._deliveries.refused(reason or "no-address")
        return None

    def _outcome(self) -> tuple[str, str | None]:
        match self._command:
            case MarkSent():
                return "done", None
            case RefuseMessage(reason=reason):
                return "refused", reason
            case DeferMessage(reason=reason):
                return AGAIN, reason
            case _:
                return AGAIN, None

    async def record(self, status: str, _: str | None) -> None:
        """The result event."""
        if status == "uncertain":
            self._command = self._deliveries.uncertain()
        if self._command is not None:
            await self._deliveries.note(self._context, self._message_id, self._command)
            MAILS.labels(_OUTCOMES[type(self._command)]).inc()
