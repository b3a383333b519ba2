"""What readers open: counted once per person, machines apart, and never an error page."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

HTML = """
<p>Dear {{ first_name|default:"reader" }}</p>
<a href="https://shop.example.com/{{ city }}?a=1&amp;b=2">Shop</a>
<a href="https://shop.example.com/sale">Sale</a>
<a href="mailto:us@example.com">Write</a>
"""


async def mailed(world: Any, **more: Any) -> tuple[str, Any]:
    """A broadcast to Ada; its id and her mail."""
    await world.person("Ada", city="New York", **more)
    broadcast, _ = await world.send({"everyone": True}, template=await world.template(HTML))
    return broadcast, world.post.to("ada@example.org")[0]


async def test_an_open_counts_once_per_person_however_often_the_picture_is_fetched(
    world: Any, find_link: Any
) -> None:
    broadcast, mail = await mailed(world)
    for _ in range(3):
        status, body, headers = await world.reader("GET", find_link(mail, "t/o/"))
        assert (status, headers["Content-Type"]) == (200, "image/gif")
        assert body.startswith("GIF89a")
    found = await world.until(broadcast, lambda b: b["counts"]["opened"] == 1)
    assert found["counts"]["open_rate"] == 1.0
    message = (await world.messages(broadcast))["Ada"]
    assert message["opened_at"] is not None


async def test_machines_are_counted_apart_and_do_not_hide_the_person(
    world: Any, find_link: Any
) -> None:
    broadcast, mail = await mailed(world)
    pixel = find_link(mail, "t/o/")
    for machine in ("Mozilla/5.0", "Barracuda Sentinel", ""):
        await world.reader("GET", pixel, User_Agent=machine)
    await world.until(broadcast, lambda b: b["counts"]["machine_opened"] == 1)
    assert (await world.broadcast(broadcast))["counts"]["opened"] == 0
    await world.reader("GET", pixel)
    found = await world.until(broadcast, lambda b: b["counts"]["opened"] == 1)
    assert found["counts"]["machine_opened"] == 1
    message = (await world.messages(broadcast))["Ada"]
    assert (message["opens"], message["machine_opens"]) == (1, 3)


async def test_a_click_leads_on_and_counts_once(world: Any, find_link: Any) -> None:
    broadcast, mail = await mailed(world)
    path = find_link(mail, "t/c/")
    for _ in range(2):
        status, _, headers = await world.reader("GET", path)
        assert status == 302
        assert headers["Location"] == "https://shop.example.com/New%20York?a=1&b=2"
    found = await world.until(broadcast, lambda b: b["counts"]["clicked"] == 1)
    assert found["counts"]["click_rate"] == 1.0
    template_link = "https://shop.example.com/{{ city }}?a=1&b=2"
    assert found["links"] == [{"url": template_link, "clicked": 1, "machine_clicked": 0}]
    html = mail.get_body(("html",)).get_content()
    assert 'href="mailto:us@example.com"' in html
    assert html.count("/t/c/") == 2
    assert "New York" not in html


async def test_whoever_follows_all_links_at_once_is_a_machine(world: Any, find_link: Any) -> None:
    broadcast, mail = await mailed(world)
    first = find_link(mail, "t/c/")
    html = mail.get_body(("html",)).get_content().replace(first.rpartition("/")[2], "")
    mail.get_body(("html",)).set_content(html, subtype="html")
    second = html.split("/t/c/")[2].partition('"')[0]
    await world.reader("GET", first)
    await world.reader("GET", f"/t/c/{second}")
    found = await world.until(broadcast, lambda b: b["counts"]["machine_clicked"] == 1)
    assert found["counts"]["clicked"] == 1


async def test_a_program_that_forbids_tracking_is_not_tracked(world: Any, find_link: Any) -> None:
    broadcast, mail = await mailed(world)
    await world.reader("GET", find_link(mail, "t/o/"), Sec_GPC="1")
    status, _, _ = await world.reader("GET", find_link(mail, "t/c/"), Sec_GPC="1")
    assert status == 302
    status, _, _ = await world.reader("HEAD", find_link(mail, "t/c/"))
    assert status == 302
    await asyncio.sleep(0.7)
    counts = (await world.broadcast(broadcast))["counts"]
    assert (counts["opened"], counts["clicked"], counts["machine_clicked"]) == (0, 0, 0)


async def test_a_forged_or_broken_link_gets_a_picture_or_a_friendly_page(
    world: Any, find_link: Any
) -> None:
    _, mail = await mailed(world)
    status, body, _ = await world.reader("GET", "/t/o/nonsense.gif")
    assert (status, body[:6]) == (200, "GIF89a")
    click = find_link(mail, "t/c/")
    unsubscribe = find_link(mail, "u/")
    forged = click[:-4] + ("AAAA" if not click.endswith("AAAA") else "BBBB")
    swapped = "/t/c/" + unsubscribe.removeprefix("/u/")
    for path in ("/t/c/x", forged, swapped, "/u/x", "/u/" + click.removeprefix("/t/c/")):
        status, body, headers = await world.reader("GET", path)
        assert (status, "This link leads nowhere" in body) == (404, True), path
        assert "default-src 'none'" in headers["Content-Security-Policy"]
    status, body, _ = await world.reader("POST", "/u/x", {"List-Unsubscribe": "One-Click"})
    assert (status, "This link leads nowhere" in body) == (404, True)


async def test_looking_at_the_page_changes_nothing_and_a_button_unsubscribes(
    world: Any, find_link: Any
) -> None:
    broadcast, mail = await mailed(world)
    path = find_link(mail, "u/")
    status, body, headers = await world.reader("GET", path)
    assert (status, "Unsubscribe?" in body, "Newsletter" in body) == (200, True, True)
    assert "Set-Cookie" not in headers
    assert "<script" not in body
    assert (await world.broadcast(broadcast))["counts"]["unsubscribed"] == 0
    status, body, _ = await world.reader("POST", path, {"choice": "topic"})
    assert (status, "You are unsubscribed" in body) == (200, True)
    _, body, _ = await world.reader("GET", path)
    assert "You are unsubscribed" in body
    await world.reader("POST", path, {"choice": "everything"})
    await world.until(broadcast, lambda b: b["counts"]["unsubscribed"] == 1)
    message = (await world.messages(broadcast))["Ada"]
    recipient = f"/api/v1/recipients/{message['person']['id']}"
    async with asyncio.timeout(10):
        while len((await world.ask("GET", recipient))[1]["unsubscribed"]) < 2:
            await asyncio.sleep(0.05)
    _, body, _ = await world.ask("GET", recipient)
    assert {(u["topic"], u["via"]) for u in body["unsubscribed"]} == {
        ("Newsletter", "page"),
        (None, "page"),
    }


async def test_one_click_unsubscribes_from_the_topic_and_can_be_taken_back(
    world: Any, find_link: Any
) -> None:
    _, mail = await mailed(world)
    path = find_link(mail, "u/")
    for _ in range(2):
        status, _, _ = await world.reader("POST", path, {"List-Unsubscribe": "One-Click"})
        assert status == 200
    _, counts = await world.send({"everyone": True})
    assert counts["sent"] == 0
    _, counts = await world.send({"everyone": True}, topic="Something else")
    assert counts["sent"] == 1
    status, body, _ = await world.reader("POST", path, {"choice": "again"})
    assert (status, "subscribed again" in body) == (200, True)
    _, counts = await world.send({"everyone": True})
    assert counts["sent"] == 1
