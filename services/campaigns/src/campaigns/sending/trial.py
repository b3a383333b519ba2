"""A test mail: sent while whoever asked for it waits; claimed before, like every effect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from uuid import UUID

from campaigns.domain import merge_fields
from campaigns.domain.template import Template
from campaigns.domain.wording import Urls
from campaigns.sending import standing
from campaigns.sending.letter import Letter, Stationery, test_letter
from campaigns.sending.smtp import MailServer, MailServerAway, PostOffice, Unsure
from campaigns.settings import CampaignSettings
from chassis.errors import Conflict, TooManyRequests, Unavailable
from chassis.service import Service

_MOST, _PER = 30, timedelta(minutes=10)
_PATIENCE_S = 15.0


@dataclass(frozen=True, slots=True)
class Trial:
    """Who wants to see which template, where. `id` is the same when the request is repeated."""

    id: UUID
    workspace: UUID
    asked_by: UUID
    template: Template
    to: Address
    at: datetime


async def send_trial(service: Service, settings: CampaignSettings, trial: Trial) -> str:
    """Send it; what became of it. Raises TooManyRequests, Unavailable, Conflict."""
    earlier = await _claim(service, trial)
    if earlier is not None:
        return earlier
    status = "uncertain"
    try:
        status = await _hand_over(settings, _letter(settings, trial))
    except MailServerAway as error:
        status = "away"
        raise Unavailable(
            f"The mail server takes no mail ({error}). Check EVERLOG_SMTP, or try again soon.",
            retry_after_s=30,
        ) from error
    except Conflict:
        status = "refused"
        raise
    except Unsure as error:
        raise Unavailable("The mail server hung up; look whether the mail came.") from error
    finally:
        async with service.api.connection(trial.workspace) as connection:
            await standing.settle_test(connection, trial.workspace, trial.id, status)
    return status


async def _claim(service: Service, trial: Trial) -> str | None:
    """Claim it; if it was claimed before, what became of it."""
    async with service.api.connection(trial.workspace) as connection:
        since = trial.at - _PER
        if await standing.fetch_tests_since(connection, trial.workspace, since) >= _MOST:
            raise TooManyRequests(
                f"At most {_MOST} test mails in ten minutes. Use the preview meanwhile.",
                retry_after_s=int(_PER.total_seconds()),
            )
        place = (trial.workspace, trial.id)
        template_id = trial.template.template_id
        if await standing.claim_test(connection, *place, template_id, trial.asked_by, trial.at):
            return None
        return await standing.fetch_test(connection, *place)


def _letter(settings: CampaignSettings, trial: Trial) -> Letter:
    wording = trial.template.content.wording()
    urls = Urls(settings.public_url)
    filled = wording.fill(merge_fields.SAMPLE, urls, settings.mail_imprint)
    stationery = Stationery(settings.sender, settings.mail_reply_to, settings.returns)
    return test_letter(stationery, trial.id, trial.to, filled, trial.at)


async def _hand_over(settings: CampaignSettings, letter: Letter) -> str:
    office = PostOffice(
        MailServer.parse(settings.smtp.get_secret_value()),
        timeout_s=min(settings.mail_timeout_s, _PATIENCE_S),
        per_connection=1,
    )
    async with office.line() as line:
        verdict = await line.deliver(letter)
    if verdict.said == "taken":
        return "sent"
    raise Conflict(
        f"The mail server did not take it: {verdict.reason} {verdict.status or ''}".strip()
        + ". Check the address and the sender's (EVERLOG_MAIL_FROM).",
        code="mail-refused",
    )
