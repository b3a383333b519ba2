"""What contacts has to say in the end: everybody who was entered, once, as the log has it."""

from __future__ import annotations

import asyncio

from chassis.testing.service_bench import Client
from tests.chaos.asking import Asking
from tests.chaos.site import Site

PATH = "/api/v1/contacts"
SHOWN = ("people", "headcounts", "timeline")
"""Read models of contacts that are compared with the log each time."""


async def everything_is_there_once(contacts: Site, ada: Client, asking: Asking) -> None:
    """The list has exactly those whose making was answered, the sum counts each once, and
    `everlog verify` would find nothing. Nobody writes any more after this."""
    await asking.finish()
    assert await contacts.wrong(SHOWN) == []
    assert await contacts.all_ids(ada, PATH) == sorted(asking.made)
    _, summary, _ = await ada("GET", f"{PATH}/summary")
    assert summary["people"] == len(set(asking.made)) == len(asking.made)
    assert asking.broken == []


async def is_stale(ada: Client, asking: Asking) -> bool:
    """Whether a reader who has written is told that this is not to be seen yet."""
    token = f"person-{asking.made[-1]}@1"
    status, told, headers = await ada("GET", PATH, Everlog_Token=token)
    assert status == 200, told
    return headers.get("Everlog-Stale") == "true"


async def all_shown(contacts: Site, ada: Client, asking: Asking, within_s: float = 60.0) -> None:
    """Wait until everybody is shown who has been entered up to now, though more come."""
    entered = set(asking.made)
    async with asyncio.timeout(within_s):
        while not entered <= set(await contacts.all_ids(ada, PATH)):
            await asyncio.sleep(0.1)
