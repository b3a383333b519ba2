"""What a backup and a restore refuse before they touch anything."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from chassis.backup.archive import SUFFIX, writing
from chassis.vault import Keyring
from everlog.__main__ import command_line

KEY = bytes(range(32))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EVERLOG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    path = tmp_path / f"one{SUFFIX}"
    with writing(path) as file:
        file.add("contacts", "log.events", ("id",), lambda to: to.write(b"1\n") // 2)
        file.finish(datetime(2026, 11, 24, tzinfo=UTC), Keyring(KEY).fingerprint(), ("contacts",))
    return path


def told(*arguments: str) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(command_line(), [*arguments, "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_a_backup_is_checked_without_a_platform(home: Path, backup: Path) -> None:
    status, answer = told("backup", "--check", str(backup))
    assert (status, answer["events"]) == (0, {"contacts": 1})
    assert not home.exists()


def test_what_is_no_backup_is_not_restored(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear Ada")
    for path in (file, tmp_path / "nowhere"):
        status, answer = told("restore", str(path))
        assert (status, "cannot be read" in answer["error"]) == (1, True)
    assert not home.exists()


def test_without_its_master_key_nothing_is_restored(home: Path, backup: Path) -> None:
    status, answer = told("restore", str(backup))
    assert (status, "no master key" in answer["error"]) == (1, True)
    assert str(home / "secrets" / "master.key") in answer["advice"]
    (home / "secrets").mkdir(parents=True)
    (home / "secrets" / "master.key").write_text(secrets.token_hex(32))
    status, answer = told("restore", str(backup))
    assert (status, "another master key" in answer["error"]) == (1, True)
    assert sorted(path.name for path in home.iterdir()) == ["secrets"]


def test_a_service_has_to_come_from_somewhere(home: Path) -> None:
    status, answer = told("restore", "contacts")
    assert (status, "--from-kafka" in answer["advice"]) == (1, True)
    status, answer = told("restore", "nobody", "--from-kafka")
    assert (status, "no service nobody" in answer["error"]) == (1, True)
    assert not home.exists()
