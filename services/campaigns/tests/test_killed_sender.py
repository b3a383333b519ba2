"""kill -9 in the middle of sending: nobody gets a mail twice, and what nobody knows is said so."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from joserfc.jwk import OKPKey

from campaigns.manifest import MANIFEST
from campaigns.settings import CampaignSettings
from chassis.http.principal import Principal, sign
from chassis.ids import new_id
from chassis.setup import prepare
from chassis.testing.service_bench import MASTER_KEY, Client
from embedded.ports import free_port

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

MAY = frozenset({"campaigns.read", "campaigns.write", "contacts.write", "ops"})
PEOPLE = 40


@contextmanager
def process(environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Campaigns as a process of its own; killed at the end at the latest."""
    with log.open("ab") as out:
        started = subprocess.Popen(
            [sys.executable, "-m", "campaigns", "both"],
            env={**os.environ, **environment},
            stdout=out,
            stderr=out,
        )
    try:
        yield started
    finally:
        started.kill()
        started.wait()


async def ready(ask: Client, started: subprocess.Popen[bytes]) -> None:
    """Wait until it answers."""
    async with asyncio.timeout(60):
        while True:
            try:
                if (await ask("GET", "/readyz"))[0] == 200:
                    return
            except OSError:
                await asyncio.sleep(0.1)
            assert started.poll() is None, "it ended; see its log"


@dataclass(slots=True)
class Stopped:
    """What came of a broadcast whose sender was stopped in the middle."""

    exit_code: int
    tries_before: int
    tries: dict[str, int]
    counts: dict[str, Any]
    messages: list[dict[str, Any]]

    def those(self, status: str) -> set[str]:
        """The addresses of the messages that stand so."""
        return {m["person"]["email"] for m in self.messages if m["status"] == status}


@pytest_asyncio.fixture(loop_scope="module")
async def stopped_by(
    postgres_dsn: str,
    kafka_bootstrap: str,
    tmp_path: Path,
    book: Client,
    box: Any,
    campaigning: Any,
) -> AsyncIterator[Callable[[int], Awaitable[Stopped]]]:
    """Sends to many, stops the sender with a signal as the tenth mail comes, starts it again."""
    home, log, port = tmp_path / "campaigns", tmp_path / "log", free_port()
    home.mkdir()
    key = OKPKey.generate_key("Ed25519")
    (home / "master.key").write_text(MASTER_KEY)
    (home / "verify.pem").write_bytes(key.as_pem(private=False))
    await prepare(MANIFEST, postgres=postgres_dsn, kafka=kafka_bootstrap, secrets=home)
    await box.open()
    environment = {
        "EVERLOG_LISTEN": f"127.0.0.1:{port}",
        "EVERLOG_KAFKA": kafka_bootstrap,
        "EVERLOG_POSTGRES": postgres_dsn,
        "EVERLOG_SECRETS": str(home),
        "EVERLOG_SMTP": f"smtp://127.0.0.1:{box.port}",
        "EVERLOG_MAIL_UNCERTAIN_AFTER_S": "3",
    }
    principal = Principal(new_id(), book.principal.workspace, "Ada", "administrator", MAY)
    token = sign(key, principal, now=time.time(), lifetime_s=600)
    settings = CampaignSettings(
        listen=f"127.0.0.1:{port}", kafka=kafka_bootstrap, postgres=postgres_dsn, secrets=home
    )
    ask = Client(settings, token, principal, key)
    world = campaigning(ask, book, box)

    async def stop(with_signal: int) -> Stopped:
        for n in range(PEOPLE):
            await world.person(f"Reader{n}")
        with process(environment, log) as doomed:

            def strike(_: Any) -> None:
                if sum(box.tries.values()) == 10:
                    os.kill(doomed.pid, with_signal)

            box.on_data = strike
            await ready(ask, doomed)
            broadcast = await world.plan(await world.template(), {"everyone": True})
            await world.start(broadcast)
            exit_code = await asyncio.to_thread(doomed.wait, 60)
        tries_before = sum(box.tries.values())
        box.on_data = lambda _: None
        with process(environment, log) as heir:
            await ready(ask, heir)
            counts = await world.finished(broadcast)
            messages = list((await world.messages(broadcast)).values())
        return Stopped(exit_code, tries_before, dict(box.tries), counts, messages)

    yield stop
    await ask.close()
    await box.close()


async def test_a_sender_killed_with_mails_in_hand_sends_none_of_them_twice(
    stopped_by: Callable[[int], Awaitable[Stopped]],
) -> None:
    found = await stopped_by(signal.SIGKILL)
    assert found.exit_code == -signal.SIGKILL
    assert 10 <= found.tries_before < PEOPLE
    assert set(found.tries.values()) == {1}
    assert found.counts["sent"] + found.counts["uncertain"] == PEOPLE
    assert 1 <= found.counts["uncertain"] <= 4
    assert len(found.those("uncertain")) == found.counts["uncertain"]
    assert found.those("sent") <= set(found.tries)


async def test_a_sender_asked_to_stop_brings_the_mails_in_hand_to_their_end(
    stopped_by: Callable[[int], Awaitable[Stopped]],
) -> None:
    found = await stopped_by(signal.SIGTERM)
    assert found.exit_code == 0
    assert 10 <= found.tries_before < PEOPLE
    assert found.tries == {f"reader{n}@example.org": 1 for n in range(PEOPLE)}
    assert (found.counts["sent"], found.counts["uncertain"]) == (PEOPLE, 0)
