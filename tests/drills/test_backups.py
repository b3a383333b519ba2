"""A backup is taken while people work, and brings everything back: here, or in a new home."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from everlog.testing import visiting
from tests.drills.drill import Drill, digests_of

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1200)]


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder


def only_its_owner_reads(file: str) -> bool:
    return Path(file).stat().st_mode & 0o077 == 0


async def test_a_backup_is_restored_in_a_new_home(drill: Drill, backups: Path) -> None:
    before = await drill.baseline()
    taken = await drill.run("backup", str(backups))
    assert (await drill.run("backup", "--check", taken["file"]))["events"] == taken["events"]
    assert only_its_owner_reads(taken["file"])
    async with drill.new_home(backups.parent / "home") as other:
        (other.home.path / "secrets").mkdir(parents=True, mode=0o700)
        shutil.copy(drill.home.secrets / "master.key", other.home.secrets)
        done = await other.run("restore", taken["file"])
        assert done["events"] == taken["events"]
        assert done["erased_since"] == []
        print(f"restored in {done['seconds']} s: {done['steps']}")
        await other.run("up")
        assert await other.digests() == before
        async with other.visiting() as ada:
            assert (await ada.get(f"/api/v1/contacts/{drill.known_id}"))["first_name"] == "Grace"


async def test_who_was_erased_after_the_backup_stays_unreadable(
    drill: Drill, backups: Path
) -> None:
    drill.known = None
    async with drill.visiting() as ada:
        person = {"first_name": "Ephemeral", "last_name": "Person", "email": "e@example.org"}
        gone = (await ada.post("/api/v1/contacts", person))["id"]
        taken = await drill.run("backup", str(backups))
        await ada.post(f"/api/v1/contacts/{gone}/erase")
        await ada.post("/api/v1/contacts", {"first_name": "Later", "last_name": "Person"})
    await drill.settled()
    assert "make down" in await drill.fails("restore", taken["file"])
    await drill.run("down")
    assert "--replace" in await drill.fails("restore", taken["file"])
    done = await drill.run("restore", taken["file"], "--replace")
    assert [each["subject"] for each in done["erased_since"]] == [gone]
    await drill.run("up")
    await drill.baseline()
    async with drill.visiting() as ada:
        assert "Ephemeral" not in str((await ada.ask("GET", f"/api/v1/contacts/{gone}")).body)
        assert "Ephemeral" not in str((await ada.get("/api/v1/contacts", limit=200)).body)
        events = await ada.get("/api/v1/events", service="contacts", stream=f"person-{gone}")
        assert events["items"]
        assert "Ephemeral" not in str(events.body)
        assert not (await ada.get("/api/v1/contacts", q="Later"))["items"]


async def test_a_backup_taken_amid_writes_is_one_moment(drill: Drill, backups: Path) -> None:
    async def write() -> None:
        async with drill.visiting() as ada:
            for number in range(10_000):
                person = {"first_name": "Amid", "last_name": f"Writes {number}"}
                await ada.post("/api/v1/contacts", person)

    drill.known = None
    writing = asyncio.create_task(write())
    await asyncio.sleep(0.5)
    taken = await drill.run("backup", str(backups))
    await asyncio.sleep(0.5)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    await drill.settled()
    await drill.run("down")
    await drill.run("restore", taken["file"], "--replace")
    await drill.run("up")
    verified = await drill.run("verify")
    digests_of(verified)
    events = {each["service"]: each["events"] for each in verified}
    assert events["contacts"] >= taken["events"]["contacts"]


async def test_a_lost_identity_comes_from_kafka_and_its_passwords_from_a_backup(
    drill: Drill, backups: Path
) -> None:
    before = await drill.baseline()
    taken = await drill.run("backup", str(backups))
    assert "--from-kafka" in await drill.fails("restore", "identity", "--rest", taken["file"])
    drill.execute("drop database everlog_identity with (force)")
    done = await drill.run("restore", "identity", "--from-kafka", "--rest", taken["file"])
    assert done["store"]["rest"] > 0
    assert await drill.digests() == before
    await drill.still_answers()  # under the session of before
    async with visiting(drill.platform) as again:
        assert (await again.get("/api/v1/contacts"))["items"]
    drill.known = None
