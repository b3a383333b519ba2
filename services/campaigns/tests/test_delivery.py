"""One message from its claim to its result, against a real log, ledger and mail server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from joserfc.jwk import OKPKey

from campaigns.domain.audience import Audience
from campaigns.domain.broadcast import BROADCAST, LaunchBroadcast, PlanBroadcast, StartBroadcast
from campaigns.domain.message import (
    MESSAGE,
    MarkSent,
    Message,
    PlanMessage,
    message_id_of,
)
from campaigns.domain.template import TEMPLATE, Content, DraftTemplate
from campaigns.manifest import MANIFEST
from campaigns.sending.delivery import Deliveries, NotNow
from campaigns.sending.smtp import MailServer, PostOffice
from campaigns.sending.wordings import Worded, Wordings
from campaigns.settings import CampaignSettings
from chassis.clock import SetClock
from chassis.decider import handle, load_state
from chassis.ids import new_id
from chassis.ports import Context
from chassis.service import BOTH, Service
from chassis.setup import prepare_database
from chassis.testing.service_bench import MASTER_KEY
from chassis.vault import Keyring

pytestmark = pytest.mark.integration

NOON = datetime(2026, 3, 30, 12, tzinfo=UTC)
READER: dict[str, Any] = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "email": "ada@example.org",
    "email_key": "ada@example.org",
    "company": None,
    "city": None,
    "country": None,
    "language": None,
}


class Desk:
    """A started broadcast with one message, and somebody who delivers it when told to."""

    def __init__(self, service: Service, box: Any, clock: SetClock) -> None:
        self.service = service
        self.box = box
        self.clock = clock
        self.context = Context(new_id(), "test", new_id())
        self.broadcast, self.template, self.person = new_id(), new_id(), new_id()
        self.message = message_id_of(self.broadcast, self.person)
        settings = service.settings
        assert isinstance(settings, CampaignSettings)
        server = MailServer.parse(settings.smtp.get_secret_value())
        self.office = PostOffice(server, timeout_s=5, per_connection=100)
        self.deliveries = Deliveries(service, settings, self.office)

    async def prepare(self) -> Worded:
        """Everything up to the moment before it is sent."""
        content = Content("News", "Hi", "html", "<p>Hi {{ first_name }}</p>")
        await self.do(TEMPLATE, self.template, DraftTemplate(self.template, content, NOON))
        everyone = Audience(everyone=True)
        plan = PlanBroadcast(self.broadcast, "B", self.template, "News", everyone, None, NOON)
        for command in (plan, LaunchBroadcast(NOON), StartBroadcast("Hi", 1, 1, NOON)):
            await self.do(BROADCAST, self.broadcast, command)
        ids = (self.message, self.broadcast, self.person)
        await self.do(MESSAGE, self.message, PlanMessage(*ids, None, NOON))
        return await Wordings(self.service.work_log).of(self.context, self.broadcast)

    async def do(self, decider: Any, id_: UUID, command: Any) -> None:
        """Carry out a command."""
        await handle(self.service.work_log, decider, id_, command, self.context)

    async def deliver(self, worded: Worded, reader: Any = READER) -> Message:
        """Deliver it; what is known of it then."""
        await self.deliveries.deliver(self.context, worded, self.message, reader)
        found, _ = await load_state(self.service.work_log, MESSAGE, self.message, self.context)
        assert found is not None
        return found


@pytest.fixture
async def desk(postgres_dsn: str, tmp_path: Path, box: Any) -> AsyncIterator[Desk]:
    (tmp_path / "master.key").write_text(MASTER_KEY)
    key = OKPKey.generate_key("Ed25519")
    (tmp_path / "verify.pem").write_bytes(key.as_pem(private=False))
    prepare_database(MANIFEST, postgres_dsn, Keyring(bytes.fromhex(MASTER_KEY)))
    await box.open()
    settings = CampaignSettings(
        listen="127.0.0.1:1",
        kafka="127.0.0.1:1",
        postgres=postgres_dsn,
        secrets=tmp_path,
        smtp=f"smtp://127.0.0.1:{box.port}",
    )
    clock = SetClock(NOON)
    service = Service(MANIFEST, settings, clock, BOTH)
    await service.start()
    desk = Desk(service, box, clock)
    yield desk
    await desk.office.close()
    await service.stop()
    await box.close()


async def test_a_message_is_sent_once_however_often_it_is_offered(desk: Desk) -> None:
    worded = await desk.prepare()
    assert (await desk.deliver(worded)).status == "sent"
    assert (await desk.deliver(worded)).status == "sent"
    assert len(desk.box.mails) == 1


async def test_what_the_log_knows_as_sent_is_not_sent_though_the_ledger_was_lost(
    desk: Desk,
) -> None:
    worded = await desk.prepare()
    await desk.do(MESSAGE, desk.message, MarkSent(NOON))
    assert (await desk.deliver(worded)).status == "sent"
    assert desk.box.mails == []


async def test_it_is_not_tried_again_before_its_time_though_a_read_model_lags(desk: Desk) -> None:
    worded = await desk.prepare()
    desk.box.to_rcpt = lambda _: "451 4.7.1 later"
    deferred = await desk.deliver(worded)
    assert (deferred.status, deferred.attempts) == ("planned", 1)
    assert deferred.retry_at == NOON + timedelta(seconds=60)
    desk.box.to_rcpt = lambda _: None
    assert (await desk.deliver(worded)).status == "planned"
    desk.clock.move(timedelta(seconds=61))
    assert (await desk.deliver(worded)).status == "sent"


async def test_it_is_given_up_after_many_tries_over_a_day(desk: Desk) -> None:
    worded = await desk.prepare()
    desk.box.to_rcpt = lambda _: "451 4.7.1 later"
    tries = 0
    while (await desk.deliver(worded)).status == "planned":
        tries += 1
        desk.clock.move(timedelta(hours=6, seconds=1))
    assert tries == 7
    loaded = await desk.service.work_log.load(desk.context, MESSAGE.stream(desk.message))
    last: Any = loaded.events[-1].event
    assert last.reason == "given-up-smtp-451"


async def test_a_mistake_of_ours_before_the_letter_leaves_is_tried_again(desk: Desk) -> None:
    worded = await desk.prepare()
    broken = await desk.deliver(worded, {"email_key": "ada@example.org"})
    assert (broken.status, broken.attempts) == ("planned", 1)
    desk.clock.move(timedelta(seconds=61))
    assert (await desk.deliver(worded)).status == "sent"
    assert len(desk.box.mails) == 1


async def test_a_server_that_takes_none_of_our_mail_leaves_the_message_as_it_was(
    desk: Desk,
) -> None:
    worded = await desk.prepare()
    desk.box.to_sender = lambda _: "530 5.7.0 sign in first"
    with pytest.raises(NotNow):
        await desk.deliver(worded)
    desk.box.to_sender = lambda _: None
    sent = await desk.deliver(worded)
    assert (sent.status, sent.attempts) == ("sent", 0)


async def test_nothing_a_server_says_about_a_reader_is_kept(desk: Desk) -> None:
    worded = await desk.prepare()
    desk.box.to_rcpt = lambda _: "550 5.1.1 <ada@example.org> is unknown to us"
    assert (await desk.deliver(worded)).status == "refused"
    async with desk.service.work.connection(desk.context.workspace) as connection:
        rows = await connection.fetch("select detail from road.effects where id = $1", desk.message)
        events = await connection.fetch(
            "select data::text as data from log.events where workspace_id = $1",
            desk.context.workspace,
        )
    assert [row["detail"] for row in rows] == ["smtp-550"]
    assert not any("ada@" in row["data"] for row in events)
