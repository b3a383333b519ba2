"""A platform of their own for the disaster drills; every drill leaves it as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from everlog.testing import EmbeddedPlatform, embedded_platform
from tests.drills.drill import Drill, work


@pytest.fixture(scope="package")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    with embedded_platform(tmp_path_factory.mktemp("drill") / "home") as platform:
        assert isinstance(platform, EmbeddedPlatform)
        yield asyncio.run(work(platform))
