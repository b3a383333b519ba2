"""One process at a time sends mail: one that is frozen is succeeded, one at work is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaigns.manifest import MANIFEST
from campaigns.sending import sender, standing
from campaigns.settings import CampaignSettings
from chassis.postgres import turns
from chassis.testing.service_bench import at_rest
from chassis.testing.turns import SILENT_S, frozen_is_succeeded_and_at_work_is_not

pytestmark = pytest.mark.integration


async def test_a_frozen_sender_is_succeeded_and_one_at_work_is_not(
    postgres_dsn: str, kafka_bootstrap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "SILENT_S", SILENT_S)
    monkeypatch.setattr(sender, "_STANDBY_S", 0.1)
    servers = (postgres_dsn, kafka_bootstrap, tmp_path)
    async with at_rest(
        MANIFEST, *servers, settings=CampaignSettings, smtp="smtp://127.0.0.1:9"
    ) as service:
        await frozen_is_succeeded_and_at_work_is_not(
            lambda: standing.turn(service.work), sender.send_mail(service)
        )
