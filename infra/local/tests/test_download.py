"""Fetching the servers."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

import embedded.download as download
from embedded.errors import Trouble


def test_a_machine_without_binaries_is_told_what_else_it_can_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(Trouble, match="riscv64") as trouble:
        download.machine()
    assert "docker compose up" in trouble.value.advice


@pytest.mark.parametrize(
    ("system", "processor", "name"),
    [
        ("linux", "x86_64", "linux-amd64"),
        ("linux", "aarch64", "linux-arm64v8"),
        ("darwin", "x86_64", "darwin-amd64"),
        ("darwin", "arm64", "darwin-arm64v8"),
    ],
)
def test_every_supported_machine_has_its_binaries(
    system: str, processor: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: processor)
    assert download.machine() == name


def test_a_failed_fetch_leaves_nothing_behind_that_passes_for_servers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "CACHE", tmp_path / "target")
    pom = tmp_path / "pom.xml"
    pom.write_text("<project>not a project</project>")
    monkeypatch.setattr(download, "POM", pom)
    with pytest.raises(Trouble, match="Maven could not fetch"):
        download.fetch(lambda text: None)
    assert not list((tmp_path / "target").glob("servers-*[!w]"))


def test_without_a_checkout_external_servers_are_proposed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "POM", tmp_path / "none.xml")
    with pytest.raises(Trouble) as trouble:
        download.fetch(lambda text: None)
    assert "EVERLOG_POSTGRES" in trouble.value.advice
