"""The mail server: where it is, what it says, and what that means for a letter."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from campaigns.sending.letter import Letter
from campaigns.sending.pace import Pace
from campaigns.sending.smtp import MailServer, MailServerAway, PostOffice, Unsure, Verdict
from campaigns.settings import CampaignSettings
from chassis.clock import SystemClock

LETTER = Letter("b+x@books.example.com", "ada@example.org", b"Subject: x\r\n\r\n.\r\nx\r\n", False)


def test_the_mail_server_is_named_by_an_address() -> None:
    server = MailServer.parse("smtp://us%40er:p%2Fw@mail.example.com:2525")
    assert (server.host, server.port) == ("mail.example.com", 2525)
    assert (server.username, server.password) == ("us@er", "p/w")
    assert (server.tls, server.starttls) == (False, None)
    assert MailServer.parse("smtps://m.example").port == 465
    assert MailServer.parse("smtp+starttls://m.example").starttls is True
    for wrong in ("mail.example.com:25", "http://m.example", "smtp://"):
        with pytest.raises(ValueError, match="EVERLOG_SMTP"):
            MailServer.parse(wrong)


def test_settings_are_checked_and_keep_their_secret() -> None:
    base: Any = {"listen": "h:1", "kafka": "k", "postgres": "p", "secrets": "/s"}
    settings = CampaignSettings(**base, smtp="smtp://u:hush@h", mail_from="A <a@b.example>")
    assert "hush" not in repr(settings)
    assert (settings.sender.domain, settings.returns) == ("b.example", "a@b.example")
    with pytest.raises(ValidationError, match="must be an address"):
        CampaignSettings(**base, mail_from="nobody")


async def deliver(box: Any, letter: Letter = LETTER) -> Verdict:
    office = PostOffice(
        MailServer.parse(f"smtp://127.0.0.1:{box.port}"), timeout_s=5, per_connection=10
    )
    try:
        async with office.line() as line:
            return await line.deliver(letter)
    finally:
        await office.close()


async def test_what_the_server_says_decides(box: Any) -> None:
    await box.open()
    try:
        assert await deliver(box) == Verdict("taken")
        assert box.raw[0].endswith(b"\r\n.\r\nx\r\n")
        box.to_rcpt = lambda _: "550 5.1.1 <ada@example.org> unknown"
        assert await deliver(box) == Verdict("never", 550, "5.1.1")
        box.to_rcpt = lambda _: "451 4.7.1 greylisted"
        assert await deliver(box) == Verdict("later", 451, "4.7.1")
        box.to_rcpt = lambda _: None
        box.on_data = lambda _: "554 5.7.1 spam"
        assert await deliver(box) == Verdict("never", 554, "5.7.1")
        box.on_data = lambda _: "452 4.3.1 full"
        assert await deliver(box) == Verdict("later", 452, "4.3.1")
        box.to_sender = lambda _: "550 5.7.26 not you"
        assert await deliver(box) == Verdict("away", 550, "5.7.26")
    finally:
        await box.close()


async def test_a_connection_is_used_again_after_a_refusal_and_given_up_after_many_letters(
    box: Any,
) -> None:
    await box.open()
    office = PostOffice(
        MailServer.parse(f"smtp://127.0.0.1:{box.port}"), timeout_s=5, per_connection=3
    )
    try:
        said = iter([None, "550 no", None, None])
        box.to_rcpt = lambda _: next(said)
        verdicts = []
        for _ in range(4):
            async with office.line() as line:
                verdicts.append((await line.deliver(LETTER)).said)
        assert verdicts == ["taken", "never", "taken", "taken"]
        assert box.connections == 2
    finally:
        await office.close()
        await box.close()


async def test_nobody_knows_what_became_of_a_letter_when_the_line_breaks_at_the_end(
    box: Any,
) -> None:
    def break_off(_: Any) -> None:
        raise ConnectionResetError

    await box.open()
    box.on_data = break_off
    try:
        with pytest.raises(Unsure):
            await deliver(box)
    finally:
        await box.close()


async def test_a_server_that_is_not_there_is_away(box: Any) -> None:
    await box.open()
    await box.close()
    with pytest.raises(MailServerAway):
        await deliver(box)


async def test_the_pace_is_kept_by_all_together() -> None:
    clock = SystemClock()
    pace = Pace(clock, 100)
    started = clock.now()
    await asyncio.gather(*(pace.wait() for _ in range(21)))
    assert (clock.now() - started).total_seconds() >= 0.2
