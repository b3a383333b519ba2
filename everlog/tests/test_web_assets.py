"""The web assets are installed once per content of the lock file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from embedded.errors import Trouble
from everlog import web_assets


@pytest.fixture
def gateway(tmp_path: Path) -> Path:
    package = {"name": "assets", "version": "1.0.0", "scripts": {"postinstall": "echo run >> ran"}}
    (tmp_path / "package.json").write_text(json.dumps(package))
    return tmp_path


def test_they_are_installed_once_until_something_changes(gateway: Path) -> None:
    said: list[str] = []
    assert web_assets.install(said.append, gateway) is True
    assert web_assets.install(said.append, gateway) is False
    package = json.loads((gateway / "package.json").read_text())
    (gateway / "package.json").write_text(json.dumps({**package, "version": "1.0.1"}))
    assert web_assets.install(said.append, gateway) is True
    assert (gateway / "ran").read_text() == "run\nrun\n"
    assert len(said) == 2


def test_without_a_gateway_there_is_nothing_to_install(tmp_path: Path) -> None:
    assert web_assets.install(lambda text: None, tmp_path) is False


def test_a_failed_installation_shows_why_and_is_tried_again(gateway: Path) -> None:
    package = {"name": "assets", "scripts": {"postinstall": "echo no disk >&2; exit 3"}}
    (gateway / "package.json").write_text(json.dumps(package))
    for _ in range(2):
        with pytest.raises(Trouble, match="npm could not") as trouble:
            web_assets.install(lambda text: None, gateway)
        assert "no disk" in trouble.value.detail
