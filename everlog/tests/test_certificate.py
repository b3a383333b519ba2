"""`everlog certificate`: checked with the key of a home, or with one that was handed over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from chassis.certificate import certify
from chassis.vault import Keyring
from everlog.__main__ import command_line

KEYRING = Keyring(bytes(32))
STATEMENT = {
    "kind": "erasure of a person",
    "checked_at": "2026-11-30T00:00:00Z",
    "records": [
        {
            "stream": "person-1",
            "erasure": {"recorded_at": "2026-11-30T00:00:00Z", "actor": "ada"},
            "events": 3,
            "unreadable_events": 2,
        }
    ],
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EVERLOG_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "secrets").mkdir(parents=True)
    (tmp_path / "home" / "secrets" / "master.key").write_text(bytes(32).hex())
    path = tmp_path / "certificate.json"
    path.write_text(json.dumps(certify(KEYRING, STATEMENT)))
    return path


def everlog(*arguments: str) -> Any:
    return CliRunner().invoke(command_line(), ["certificate", *arguments])


def test_a_certificate_is_valid_at_home_and_with_the_key_elsewhere(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = everlog("verify", str(file))
    assert shown.exit_code == 0, shown.output
    assert "is valid" in shown.output
    assert "2 of 3 events unreadable" in shown.output
    pem = file.with_name("key.pem")
    pem.write_text(everlog("key").output)
    monkeypatch.setenv("EVERLOG_HOME", str(file.parent / "nowhere"))
    answer = everlog("verify", str(file), "--key", str(pem), "--json")
    assert json.loads(answer.stdout)["certificate"] == STATEMENT
    refused = everlog("verify", str(file))
    assert refused.exit_code == 1
    assert "--key" in refused.output


def test_one_that_was_changed_is_not(file: Path) -> None:
    file.write_text(file.read_text().replace('"events": 3', '"events": 4'))
    answer = everlog("verify", str(file), "--json")
    assert answer.exit_code == 1
    assert "NOT valid" in json.loads(answer.stdout)["error"]
    file.write_text("nothing")
    assert "cannot be read" in everlog("verify", str(file)).output
