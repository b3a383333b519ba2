"""The sample's campaigns: written, sent by real SMTP, and read by some of those who got them."""

from __future__ import annotations

import asyncio
import re
from random import Random
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from everlog.api import Api

_SENT_WITHIN_S = 60.0
_READER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0"
_LINK = re.compile(r"https?://[^\s\"'<>]+/t/[oc]/[A-Za-z0-9_.-]+")
_UNSUBSCRIBE = re.compile(r"https?://[^\s\"'<>]+/u/[A-Za-z0-9_-]+")

_LETTER = """\
<mjml><mj-body background-color="#f4f2ee">
  <mj-section background-color="#ffffff"><mj-column>
    <mj-text font-size="24px" font-family="Georgia, serif">{title}</mj-text>
    <mj-text>Dear {{{{ first_name|default("reader") }}}},</mj-text>
    <mj-text>{text}</mj-text>
    <mj-button background-color="#24544a" href="{link}">{call}</mj-button>
    <mj-text>Yours, the bookshop</mj-text>
  </mj-column></mj-section>
</mj-body></mjml>
"""
_MAILINGS = (
    {
        "name": "Autumn programme",
        "tag": "newsletter",
        "title": "What we read this autumn",
        "text": "Twelve books for long evenings, chosen by all of us, and three authors who come "
        "to read from theirs.",
        "link": "https://bookshop.example/autumn",
        "call": "See the programme",
        "opened": 0.52,
        "clicked": 0.4,
    },
    {
        "name": "Crime night",
        "tag": "crime",
        "title": "Murder at the book fair",
        "text": "Next Friday the shop stays open until midnight: three crime writers, one body, "
        "and tea.",
        "link": "https://bookshop.example/crime-night",
        "call": "Save a seat",
        "opened": 0.61,
        "clicked": 0.55,
    },
    {
        "name": "Reading circle: new dates",
        "tag": "reading circle",
        "title": "The circle meets again",
        "text": "We begin with “Seven Winters”. Copies are put aside for everybody who comes.",
        "link": "https://bookshop.example/circle",
        "call": "Tell us you come",
        "opened": 0.7,
        "clicked": 0.35,
    },
)


async def run(api: Api, url: str, random: Random) -> int:
    """Send every mailing and let its readers read; returns how many mails went out."""
    broadcasts = [await _send(api, mailing) for mailing in _MAILINGS]
    counts = [await _finished(api, broadcast) for broadcast in broadcasts]
    ours = {mailing["title"] for mailing in _MAILINGS}
    mails = [m for m in await api.everything("/api/v1/ops/mails") if m["subject"] in ours]
    await asyncio.sleep(3)  # nobody opens a mail in the second it arrives, but machines do
    headers = {"User-Agent": _READER}
    async with aiohttp.ClientSession(headers=headers) as reader:
        for mail in mails:
            await _read(api, url, reader, random, mail["id"])
    return sum(each["sent"] for each in counts)


async def _send(api: Api, mailing: dict[str, Any]) -> str:
    name = mailing["name"]
    template = await api.post(
        "/api/v1/templates",
        {"name": name, "subject": mailing["title"], "mjml": _LETTER.format(**mailing)},
        key=f"sample template {name}",
    )
    broadcast = await api.post(
        "/api/v1/broadcasts",
        {
            "name": name,
            "template_id": template["id"],
            "audience": {"tag": mailing["tag"]},
            "topic": "Newsletter",
        },
        key=f"sample broadcast {name}",
    )
    path = f"/api/v1/broadcasts/{broadcast['id']}/start"
    await api.post(path, key=f"sample start {name}")
    return str(broadcast["id"])


async def _finished(api: Api, broadcast: str) -> dict[str, Any]:
    async with asyncio.timeout(_SENT_WITHIN_S):
        while True:
            found = await api.get(f"/api/v1/broadcasts/{broadcast}")
            if found["status"] == "finished":
                counts: dict[str, Any] = found["counts"]
                return counts
            await asyncio.sleep(0.2)


async def _read(
    api: Api, url: str, reader: aiohttp.ClientSession, random: Random, mail_id: str
) -> None:
    """One reader: may open, may click, may have had enough."""
    mail = await api.get(f"/api/v1/ops/mails/{mail_id}")
    text = str(mail.get("html") or mail.get("text") or "")
    mailing = next((m for m in _MAILINGS if m["title"] == mail["subject"]), _MAILINGS[0])
    if random.random() > float(str(mailing["opened"])):
        return
    links = _LINK.findall(text)
    opened = [link for link in links if "/t/o/" in link]
    clicked = [link for link in links if "/t/c/" in link]
    await _get(reader, url, opened[:1])
    if random.random() < float(str(mailing["clicked"])):
        await _get(reader, url, clicked[:1])
    elif random.random() < 0.02:
        for link in _UNSUBSCRIBE.findall(text)[:1]:
            await reader.post(url + urlsplit(link).path, data={"List-Unsubscribe": "One-Click"})


async def _get(reader: aiohttp.ClientSession, url: str, links: list[str]) -> None:
    for link in links:
        async with reader.get(url + urlsplit(link).path, allow_redirects=False) as response:
            await response.read()
