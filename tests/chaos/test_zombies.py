"""Workers that are frozen with something in hand, and wake up when others have taken over.

Two workers share what there is to do. One is stopped at the worst moment; the other takes its
partitions and the outbox; then the first one wakes up and goes on where it was.
"""

from __future__ import annotations

import asyncio
import signal

import psutil
import pytest

from chassis.testing.service_bench import Client
from embedded.ports import free_ports
from tests.chaos.asking import people
from tests.chaos.reckoning import all_shown, everything_is_there_once
from tests.chaos.site import Site

SILENT_S = 4.0
"""After which the outbox is another relay's; half a minute in earnest."""

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize(
    "point",
    [
        "batch folded, nothing written",
        pytest.param("published, still in the outbox", marks=pytest.mark.long),
    ],
)
async def test_a_worker_that_slept_with_something_in_hand_doubles_nothing_when_it_wakes_up(
    contacts: Site, ada: Client, point: str
) -> None:
    listen, other = (f"127.0.0.1:{port}" for port in free_ports(2))
    stops = contacts.process(
        "worker", listen=listen, point=point, with_=signal.SIGSTOP, relay_silent_s=SILENT_S
    )
    with contacts.process("api"), stops as sleeper:
        await contacts.ready(ada, listen)
        with contacts.process("worker", listen=other, relay_silent_s=SILENT_S) as heir:
            await contacts.ready(ada, other)
            async with people(ada, pause_s=0.05) as asking:
                await asking.until_answered(10)
                contacts.trigger.touch()
                async with asyncio.timeout(10):
                    while psutil.Process(sleeper.pid).status() != psutil.STATUS_STOPPED:
                        await asyncio.sleep(0.05)
                await asking.until_answered(20)
                await all_shown(contacts, ada, asking)
                contacts.trigger.unlink()
                psutil.Process(sleeper.pid).resume()
                await asking.until_answered(20)
                heir.kill()  # and now everything is the sleeper's again
                await asking.until_answered(20)
                await all_shown(contacts, ada, asking)
                await everything_is_there_once(contacts, ada, asking)
