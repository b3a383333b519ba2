"""Servers of their own on small disks, and contacts on them, for all that is hurt here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from chassis.testing.service_bench import Client
from contacts.manifest import MANIFEST
from contacts.settings import ContactsSettings
from tests.chaos import grounds as hurting
from tests.chaos.grounds import Grounds
from tests.chaos.site import Site, set_up

_MAY = frozenset({"contacts.read", "contacts.write", "imports.run", "analytics.read", "ops"})


@pytest.fixture(scope="package")
def grounds(server_home: Path) -> Iterator[Grounds]:
    with hurting.grounds(server_home / "grounds") as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def contacts(grounds: Grounds) -> Site:
    return await set_up(grounds, MANIFEST, ContactsSettings, _MAY)


@pytest_asyncio.fixture(loop_scope="module")
async def ada(contacts: Site) -> AsyncIterator[Client]:
    """Somebody who asks contacts, in a workspace of their own."""
    async with contacts.somebody() as client:
        yield client
