"""One process at a time looks for duplicates, one keeps segments up: a frozen one is succeeded."""

from __future__ import annotations

from pathlib import Path

import pytest

from chassis.postgres import turns
from chassis.testing.service_bench import at_rest
from chassis.testing.turns import SILENT_S, frozen_is_succeeded_and_at_work_is_not
from contacts.finding import finder
from contacts.manifest import MANIFEST
from contacts.segmenting import keeper
from contacts.settings import ContactsSettings

pytestmark = pytest.mark.integration


async def test_a_frozen_finder_is_succeeded_and_one_at_work_is_not(
    postgres_dsn: str, kafka_bootstrap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "SILENT_S", SILENT_S)
    monkeypatch.setattr(finder, "_STANDBY_S", 0.1)
    servers = (postgres_dsn, kafka_bootstrap, tmp_path)
    async with at_rest(MANIFEST, *servers, settings=ContactsSettings) as service:
        await frozen_is_succeeded_and_at_work_is_not(
            lambda: finder.turn(service), finder.find_duplicates(service)
        )


async def test_a_frozen_keeper_of_segments_is_succeeded_and_one_at_work_is_not(
    postgres_dsn: str, kafka_bootstrap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "SILENT_S", SILENT_S)
    monkeypatch.setattr(keeper, "_STANDBY_S", 0.1)
    servers = (postgres_dsn, kafka_bootstrap, tmp_path)
    async with at_rest(MANIFEST, *servers, settings=ContactsSettings) as service:
        await frozen_is_succeeded_and_at_work_is_not(
            lambda: keeper.turn(service), keeper.keep_segments(service)
        )
