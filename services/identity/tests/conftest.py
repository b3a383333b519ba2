"""Identity running on real servers: once for the tests of a file, with a workspace for each."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from identity.testing import Identity, running_identity


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(
    postgres_dsn: str, kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Identity]:
    """A running identity service, as its first administrator (the operator) sees it."""
    secrets = tmp_path_factory.mktemp("secrets")
    async with running_identity(postgres_dsn, kafka_bootstrap, secrets) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def identity(installation: Identity) -> Identity:
    """The same as the administrator of a workspace of their own sees it."""
    return await installation.another()
