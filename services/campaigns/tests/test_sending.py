"""Broadcasts over real SMTP: everybody once, nobody who does not want it, nothing lost."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.ids import new_id

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


async def test_fifty_people_get_exactly_one_mail_each_with_a_link_that_unsubscribes(
    world: Any, find_link: Any
) -> None:
    for n in range(50):
        await world.person(f"Reader{n}", "reader")
    await world.person("Other", "other")
    broadcast, counts = await world.send({"tag": "Reader"})
    assert (counts["audience"], counts["sent"], counts["refused"]) == (50, 50, 0)
    everybody = sorted(f"reader{n}@example.org" for n in range(50))
    assert sorted(to for to, _ in world.post.mails) == everybody
    for to, mail in world.post.mails:
        assert mail["Subject"] == f"Hello {to.partition('@')[0].capitalize()}"
        path = find_link(mail, "u/")
        status, _, headers = await world.reader("POST", path, {"List-Unsubscribe": "One-Click"})
        assert (status, "Set-Cookie" in headers) == (200, False)
    await world.until(broadcast, lambda b: b["counts"]["unsubscribed"] == 50)
    _, counts = await world.send({"everyone": True})
    assert (counts["audience"], counts["sent"], counts["refused"]) == (51, 1, 50)


async def test_a_segment_is_written_to_as_it_is_when_sending_starts(world: Any) -> None:
    segment = new_id()
    ada, bob = await world.person("Ada", "vip"), await world.person("Bob", "vip")
    cy = await world.person("Cy")
    ids = {"segment_id": str(segment)}
    for person in (ada, bob, cy):
        event = {"type": "contacts.segment-entered.v1", "person_id": str(person), **ids}
        await world.fact("membership", person, event)
    template = await world.template()
    audience = {"segment": str(segment), "tag": "vip"}
    broadcast = await world.plan(template, audience)
    _, counted, _ = await world.ask("POST", "/api/v1/audiences/count", audience)
    assert (counted["people"], counted["reachable"]) == (2, 2)
    left = {"type": "contacts.segment-left.v1", "person_id": str(bob), **ids}
    await world.fact("membership", bob, left)
    await world.ask("GET", "/api/v1/broadcasts", **world.headers)
    await world.start(broadcast)
    counts = await world.finished(broadcast)
    assert (counts["audience"], counts["sent"]) == (1, 1)
    assert [to for to, _ in world.post.mails] == ["ada@example.org"]


async def test_a_mail_has_the_headers_that_bulk_mail_needs(world: Any) -> None:
    ada = await world.person("Ada")
    await world.send({"everyone": True}, topic="Spring News!")
    [raw] = world.post.raw
    [(_, mail)] = world.post.mails
    head = raw.partition(b"\r\n\r\n")[0].decode("ascii")
    lines = head.replace("\r\n ", " ").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert headers["List-Unsubscribe"].startswith("<https://crm.example.com/u/")
    assert "mailto:" not in head
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Id"].startswith("<spring-news.")
    assert len(headers["Feedback-ID"].split(":")) == 4
    assert headers["Precedence"] == "bulk"
    assert "Auto-Submitted" not in headers
    assert headers["From"] == "The Bookshop <news@books.example.com>"
    message = (await world.messages(await _only_broadcast(world)))["Ada"]
    assert headers["Message-ID"] == f"<{message['id']}@books.example.com>"
    assert world.post.senders == ["news@books.example.com"]
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert str(ada) not in raw.decode()
    assert "ada@" not in head.split("List-Unsubscribe")[1].lower()


async def _only_broadcast(world: Any) -> str:
    _, body, _ = await world.ask("GET", "/api/v1/broadcasts")
    [item] = body["items"]
    return str(item["id"])


async def test_everybody_meant_gets_a_mail_or_a_reason_why_not(world: Any) -> None:
    await world.person("Ada")
    await world.person("Twin", emails=[{"address": "ADA@example.org"}])
    await world.person("Mute", emails=[])
    await world.person("Odd", emails=[{"address": "nobody at all"}])
    await world.person("Gone", emails=[{"address": "gone@example.org"}])
    await world.person("Züri", emails=[{"address": "zueri@bücher.example"}])
    world.post.to_rcpt = lambda to: "550 5.1.1 no <gone@example.org> here" if "gone" in to else None
    broadcast, counts = await world.send({"everyone": True})
    assert (counts["sent"], counts["refused"], counts["uncertain"]) == (2, 4, 0)
    messages = await world.messages(broadcast)
    told = {name: (m["status"], m["reason"], m["smtp_status"]) for name, m in messages.items()}
    assert told == {
        "Ada": ("sent", None, None),
        "Twin": ("refused", "same-address", None),
        "Mute": ("refused", "no-address", None),
        "Odd": ("refused", "bad-address", None),
        "Gone": ("refused", "smtp-550", "5.1.1"),
        "Züri": ("sent", None, None),
    }
    assert {to for to, _ in world.post.mails} == {"ada@example.org", "zueri@xn--bcher-kva.example"}


async def test_whoever_unsubscribed_a_moment_ago_gets_no_mail_though_it_was_in_hand(
    world: Any,
) -> None:
    people = {f"Reader{n}": await world.person(f"Reader{n}") for n in range(30)}
    broadcast = await world.plan(await world.template(), {"everyone": True}, topic="News")
    everybody_is_out = asyncio.Event()

    async def wait(_: Any) -> None:
        await everybody_is_out.wait()

    world.post.on_data = wait
    await world.start(broadcast)
    while not world.post.tries:
        await asyncio.sleep(0.01)
    for person in people.values():
        path = f"/api/v1/recipients/{person}/unsubscribe"
        status, said, _ = await world.ask("POST", path, {"topic": "News"})
        assert status == 200, said
    everybody_is_out.set()
    counts = await world.finished(broadcast)
    assert 1 <= counts["sent"] == len(world.post.mails) <= 4
    assert counts["sent"] + counts["refused"] == 30
    messages = (await world.messages(broadcast)).values()
    assert {m["reason"] for m in messages if m["status"] == "refused"} == {"unsubscribed"}


async def test_a_paused_broadcast_stands_still_and_goes_on_where_it_was(world: Any) -> None:
    everybody = 120  # so many that some are left when the pause takes hold
    for n in range(everybody):
        await world.person(f"Reader{n}")
    broadcast = await world.plan(await world.template(), {"everyone": True})
    path = f"/api/v1/broadcasts/{broadcast}"
    await world.start(broadcast)
    await world.until(broadcast, lambda b: b["counts"]["sent"] > 3)
    status, _, _ = await world.ask("POST", f"{path}/pause")
    assert status == 200
    await asyncio.sleep(1)
    before = len(world.post.mails)
    await asyncio.sleep(1)
    assert len(world.post.mails) == before < everybody
    assert (await world.broadcast(broadcast))["status"] == "paused"
    await world.ask("POST", f"{path}/resume")
    counts = await world.finished(broadcast)
    assert counts["sent"] == everybody
    assert len({to for to, _ in world.post.mails}) == len(world.post.mails) == everybody


async def test_a_mail_server_that_is_away_is_waited_for_without_claiming_anything(
    world: Any,
) -> None:
    await world.person("Ada")
    await world.post.close()
    try:
        broadcast = await world.plan(await world.template(), {"everyone": True})
        await world.start(broadcast)
        waiting = await world.until(broadcast, lambda b: b["waiting"] is not None)
        assert "Connect" in waiting["waiting"]["error"]
        message = (await world.messages(broadcast))["Ada"]
        assert (message["status"], message["attempts"]) == ("planned", 0)
    finally:
        await world.post.open(world.post.port)
    counts = await world.finished(broadcast)
    assert counts["sent"] == 1
    assert (await world.broadcast(broadcast))["waiting"] is None


async def test_try_later_is_heeded_and_in_the_end_it_arrives_once(world: Any) -> None:
    await world.person("Grey")
    said = iter(["451 4.7.1 greylisted", "450 4.2.1 busy"])
    tried_at: list[float] = []

    def not_yet(to: str) -> str | None:
        if not to.startswith("grey"):
            return None
        tried_at.append(time.monotonic())
        return next(said, None)

    world.post.to_rcpt = not_yet
    broadcast, counts = await world.send({"everyone": True})
    assert counts["sent"] == 1
    message = (await world.messages(broadcast))["Grey"]
    assert (message["status"], message["attempts"]) == ("sent", 2)
    assert len(world.post.mails) == 1
    first, second, third = tried_at
    assert second - first >= 0.29
    assert third - second >= 1.19


async def test_a_server_that_refuses_our_sender_costs_no_reader_their_mail(world: Any) -> None:
    await world.person("Ada")
    refusals = iter(["550 5.7.26 sender not authenticated"])
    world.post.to_sender = lambda _: next(refusals, None)
    _, counts = await world.send({"everyone": True})
    assert (counts["sent"], counts["refused"]) == (1, 0)


async def test_a_connection_that_breaks_while_handing_over_is_uncertain_and_not_repeated(
    world: Any,
) -> None:
    await world.person("Ada")
    await world.person("Unlucky")

    def hang_up(envelope: Any) -> str | None:
        if "unlucky" in envelope.rcpt_tos[0]:
            raise ConnectionResetError
        return None

    world.post.on_data = hang_up
    broadcast, counts = await world.send({"everyone": True})
    assert (counts["sent"], counts["uncertain"], counts["refused"]) == (1, 1, 0)
    assert (await world.messages(broadcast))["Unlucky"]["status"] == "uncertain"
    assert world.post.tries["unlucky@example.org"] == 1


async def test_a_broadcast_with_a_date_starts_by_itself(world: Any) -> None:
    await world.person("Ada")
    at = datetime.now(UTC) + timedelta(seconds=2)  # noqa: TID251
    template = await world.template()
    broadcast = await world.plan(template, {"everyone": True}, send_at=at.isoformat())
    assert (await world.until(broadcast, lambda b: b["status"] == "planned"))["send_at"]
    counts = await world.finished(broadcast)
    assert counts["sent"] == 1
    sent_at = world.post.to("ada@example.org")[0]["Date"].datetime
    assert sent_at >= at.replace(microsecond=0)


async def test_a_date_that_was_taken_back_does_not_come(world: Any) -> None:
    await world.person("Ada")
    at = datetime.now(UTC) + timedelta(seconds=2)  # noqa: TID251
    template = await world.template()
    broadcast = await world.plan(template, {"everyone": True}, send_at=at.isoformat())
    path = f"/api/v1/broadcasts/{broadcast}/schedule"
    status, _, _ = await world.ask("POST", path, {"send_at": None})
    assert status == 200
    await asyncio.sleep(3.5)
    assert (await world.broadcast(broadcast))["status"] == "planned"
    assert not world.post.mails


async def test_a_template_that_changes_later_does_not_change_what_is_being_sent(
    world: Any,
) -> None:
    for n in range(30):
        await world.person(f"Reader{n}")
    template = await world.template("<p>The first wording</p>")
    broadcast = await world.plan(template, {"everyone": True})
    await world.start(broadcast)
    await world.until(broadcast, lambda b: b["status"] == "sending")
    body = {"name": "News", "subject": "Other", "html": "<p>The second wording</p>"}
    status, said, _ = await world.ask("PUT", f"/api/v1/templates/{template}", body, If_Match='"1"')
    assert status == 200, said
    await world.finished(broadcast)
    assert len(world.post.mails) == 30
    assert all(b"first wording" in raw for raw in world.post.raw)


async def test_withdrawn_consent_and_erasure_silence_a_person(world: Any) -> None:
    await world.person("Ada")
    shy, gone = await world.person("Shy"), await world.person("Gone")
    consent = {
        "type": "contacts.consent-withdrawn.v1",
        "person_id": str(shy),
        "channel": "email",
        "purpose": "marketing",
        "source": "phone",
    }
    await world.fact("person", shy, consent)
    erased = {"type": "contacts.person-erased.v1", "person_id": str(gone)}
    await world.fact("person", gone, erased)
    async with asyncio.timeout(30):
        while not await world.suppressed(shy):
            await asyncio.sleep(0.05)
    broadcast, counts = await world.send({"everyone": True})
    assert (counts["audience"], counts["sent"], counts["refused"]) == (2, 1, 1)
    assert (await world.messages(broadcast))["Shy"]["reason"] == "consent-withdrawn"
    assert (await world.ask("GET", f"/api/v1/recipients/{gone}"))[0] == 404


async def test_an_address_that_unsubscribed_stays_silent_when_it_comes_back_as_somebody_else(
    world: Any, find_link: Any
) -> None:
    first = await world.person("Ada")
    broadcast, _ = await world.send({"everyone": True})
    path = find_link(world.post.to("ada@example.org")[0], "u/")
    await world.reader("POST", path, {"choice": "everything"})
    erased = {"type": "contacts.person-erased.v1", "person_id": str(first)}
    await world.fact("person", first, erased)
    await world.person("Ada")
    await world.until(broadcast, lambda b: b["counts"]["unsubscribed"] == 1)
    broadcast, counts = await world.send({"everyone": True})
    assert (counts["audience"], counts["sent"]) == (1, 0)
    assert (await world.messages(broadcast))["Ada"]["reason"] == "unsubscribed"
    assert len(world.post.mails) == 1
