"""A process is killed between two statements: what was answered is there, once, in the end.

Each test lets one process come to one point (tests.chaos.crashing), where it dies by SIGKILL, and
starts the program as it is. Storms (test_storm.py) kill at any moment; this is at every moment that
a promise hangs on.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import closing

import aiohttp
import psycopg2
import pytest
import pytest_asyncio

from campaigns.manifest import MANIFEST as CAMPAIGNS
from campaigns.settings import CampaignSettings
from chassis.settings import ServiceSettings
from chassis.setup import in_database
from chassis.testing import workshop as repairing
from chassis.testing.freight import finished
from chassis.testing.service_bench import Client
from tests.chaos.asking import Asking, people
from tests.chaos.crashing import IMPORTING, MAILING, REACTING, REBUILDING, WRITING, Point
from tests.chaos.grounds import Grounds
from tests.chaos.mailing import Broadcasting, PostBox
from tests.chaos.reckoning import SHOWN, everything_is_there_once
from tests.chaos.site import Site, set_up

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

KILLED = -signal.SIGKILL
ROWS = 1200
"""Two chunks of an import."""


def each(points: tuple[Point, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("point", [point.name for point in points])


@each(WRITING)
async def test_who_dies_while_people_write_loses_and_doubles_nothing(
    contacts: Site, ada: Client, point: str
) -> None:
    with contacts.process("both", point=point) as doomed:
        await contacts.ready(ada)
        async with people(ada) as asking:
            await asking.until_answered(5)
            assert await contacts.dies(doomed) == KILLED
            with contacts.process("both"):
                await asking.until_answered(10)
                await everything_is_there_once(contacts, ada, asking)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def workshop(grounds: Grounds) -> Site:
    """A service whose reaction has two orders: what goes to Rome is scanned twice on the way."""
    repairing.write_module(grounds.home.path)
    may = frozenset({"ops"})
    path = {"PYTHONPATH": str(grounds.home.path)}
    return await set_up(grounds, repairing.MANIFEST, ServiceSettings, may, told=path)


@each(REACTING)
async def test_who_dies_between_an_event_and_its_reaction_reacts_once(
    workshop: Site, point: str
) -> None:
    async with workshop.somebody() as bob:
        await react_to_rome(workshop, bob, point)


async def react_to_rome(workshop: Site, bob: Client, point: str) -> None:
    with workshop.process("both", point=point) as doomed:
        await workshop.ready(bob)
        async with Asking(bob, "/api/v1/parcels", lambda _: {"city": "Rome"}) as asking:
            await asking.until_answered(5)
            assert await workshop.dies(doomed) == KILLED
            with workshop.process("both"):
                await asking.until_answered(5)
                await asking.finish()
                for parcel in asking.made:
                    assert await scans(bob, parcel) == 2
                await asyncio.sleep(0.5)  # what would be done once too often comes late
                for parcel in asking.made:
                    assert await scans(bob, parcel) == 2
                assert await workshop.wrong() == []
        assert asking.broken == []


async def scans(bob: Client, parcel: str) -> int:
    """How often a parcel was seen, once that is as often as it should be; or after a while."""
    seen = 0
    for _ in range(200):
        status, shown, _ = await bob("GET", f"/api/v1/parcels/{parcel}")
        if status == 200 and (seen := shown["scans"]) >= 2:
            break
        await asyncio.sleep(0.05)
    return seen


@each(REBUILDING)
async def test_a_rebuild_that_dies_in_its_swap_leaves_one_read_model_that_is_right(
    contacts: Site, ada: Client, point: str
) -> None:
    with contacts.process("both"):
        await contacts.ready(ada)
        async with people(ada) as asking:
            await asking.until_answered(5)
            with contacts.process("rebuild", "people", point=point) as doomed:
                assert await contacts.ends(doomed) == KILLED
            await asking.until_answered(5)
            with contacts.process("rebuild", "people") as heir:
                assert await contacts.ends(heir) == 0
            await asking.until_answered(5)
            await everything_is_there_once(contacts, ada, asking)


@each(IMPORTING)
async def test_an_import_that_dies_in_a_chunk_takes_every_row_once(
    contacts: Site, ada: Client, point: str
) -> None:
    with contacts.process("both", point=point) as doomed:
        await contacts.ready(ada)
        started = await imported(ada)
        assert await contacts.dies(doomed) == KILLED
    forget_the_claim(contacts)
    with contacts.process("both"):
        await contacts.ready(ada)
        job = await finished(ada, started)
        assert (job["status"], job["created"], job["failed"]) == ("done", ROWS, 0)
        ids = await contacts.all_ids(ada, "/api/v1/contacts")
        assert len(set(ids)) == len(ids) == ROWS
        assert await contacts.wrong(SHOWN) == []


async def imported(ada: Client) -> str:
    """Have a file imported; the job's id."""
    lines = ["First name,E-mail", *(f"Person {n},p{n}@x.example" for n in range(ROWS))]
    form = aiohttp.FormData({"type": "contacts"})
    form.add_field("file", "\n".join(lines).encode(), filename="people.csv")
    status, started = await ada.post_form("/api/v1/imports", form)
    assert status == 202, started
    return str(started["id"])


def forget_the_claim(contacts: Site) -> None:
    """As a quarter of a minute does."""
    address = in_database(contacts.grounds.home.postgres_admin, "everlog_contacts")
    with closing(psycopg2.connect(address)) as connection, connection:
        connection.cursor().execute("update imports.jobs set alive_at = now() - interval '1 day'")


@pytest_asyncio.fixture(loop_scope="module")
async def box() -> AsyncIterator[PostBox]:
    async with PostBox() as opened:
        yield opened


@each(MAILING)
async def test_a_sender_that_dies_with_a_mail_in_hand_sends_none_twice(
    grounds: Grounds, contacts: Site, ada: Client, box: PostBox, point: str
) -> None:
    campaigns = await set_up(
        grounds,
        CAMPAIGNS,
        CampaignSettings,
        frozenset({"campaigns.read", "campaigns.write", "contacts.read", "ops"}),
        smtp=f"smtp://127.0.0.1:{box.port}",
        mail_connections=1,
        mail_uncertain_after_s=2,
    )
    async with campaigns.somebody(ada.principal.workspace) as cleo:
        await send_to_eight(contacts, campaigns, ada, cleo, box, point)


async def send_to_eight(
    contacts: Site, campaigns: Site, ada: Client, cleo: Client, box: PostBox, point: str
) -> None:
    with contacts.process("both"), campaigns.process("both", point=point) as doomed:
        await contacts.ready(ada)
        await campaigns.ready(cleo)
        sending = Broadcasting(cleo, ada, box)
        await sending.begin(readers=8)
        assert await campaigns.dies(doomed) == KILLED
        with campaigns.process("both"):
            counts = await sending.finished()
            lost = 0 if point == "mail recorded, claim not settled" else 1
            assert (counts["sent"], counts["uncertain"]) == (8 - lost, lost)
            assert set(box.tries.values()) == {1}
            handed_over = 7 if point == "claimed, not handed over" else 8
            assert len(box.tries) == handed_over
            assert await campaigns.wrong() == []


async def test_afterwards_all_read_models_are_what_the_log_says(
    contacts: Site, ada: Client
) -> None:
    with contacts.process("both"):
        await contacts.ready(ada)
        assert await contacts.wrong() == []
