"""Setting a service up: again and again without harm, and never with the key of another one."""

from __future__ import annotations

import asyncio

import psycopg2
import pytest

from chassis import setup
from chassis.errors import TooOld, WrongKey
from chassis.manifest import Manifest
from chassis.postgres.database import dsn_for
from chassis.setup import prepare_database, transaction
from chassis.vault import Keyring

RIGHT, WRONG = Keyring(b"r" * 32), Keyring(b"w" * 32)
MANIFEST = Manifest("strongbox")


def opens(postgres: str, keyring: Keyring) -> bool:
    """Whether the service's processes get in with this key."""
    try:
        with transaction(dsn_for(postgres, "strongbox", "api", keyring)):
            return True
    except psycopg2.OperationalError:
        return False


@pytest.mark.integration
async def test_a_database_made_with_another_master_key_is_left_as_it_is(postgres_dsn: str) -> None:
    for _ in range(2):
        await asyncio.to_thread(prepare_database, MANIFEST, postgres_dsn, RIGHT)
    with pytest.raises(WrongKey, match="everlog_strongbox was made with another master key"):
        await asyncio.to_thread(prepare_database, MANIFEST, postgres_dsn, WRONG)
    assert (opens(postgres_dsn, RIGHT), opens(postgres_dsn, WRONG)) == (True, False)


@pytest.mark.integration
async def test_a_server_that_is_too_old_is_refused_before_anything_is_made(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "OLDEST", 990000)
    with pytest.raises(TooOld, match="PostgreSQL 99 or newer is needed, and this server is 1"):
        await asyncio.to_thread(prepare_database, Manifest("antique"), postgres_dsn, RIGHT)
    with transaction(postgres_dsn) as cursor:
        cursor.execute("select 1 from pg_database where datname = 'everlog_antique'")
        assert cursor.fetchone() is None


@pytest.mark.integration
async def test_a_release_that_is_rolled_back_brings_its_functions_back(postgres_dsn: str) -> None:
    def release(number: int) -> Manifest:
        function = "create or replace function public.release() returns integer language sql as"
        return Manifest("rolled_back", schema=f"{function} $$ select {number} $$;")

    for number in (1, 2, 1):
        await asyncio.to_thread(prepare_database, release(number), postgres_dsn, RIGHT)
        with transaction(dsn_for(postgres_dsn, "rolled_back", "worker", RIGHT)) as cursor:
            cursor.execute("select public.release()")
            assert cursor.fetchone() == (number,)


def test_a_fingerprint_tells_keys_apart_and_is_none_of_them() -> None:
    assert RIGHT.fingerprint() == Keyring(b"r" * 32).fingerprint() != WRONG.fingerprint()
    assert RIGHT.fingerprint() not in (b"r" * 32, RIGHT.password("role"))
