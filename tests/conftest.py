"""The whole platform for the tests that cross services: brought up once, when the first one asks.

EVERLOG_E2E=compose takes the one that docker compose has brought up from this checkout.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from everlog.testing import Platform, compose_platform, embedded_platform


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A running platform whose first workspace is empty."""
    if os.environ.get("EVERLOG_E2E") == "compose":
        yield compose_platform()
    else:
        home: Path = tmp_path_factory.mktemp("platform")
        with embedded_platform(home / "home") as running:
            yield running
