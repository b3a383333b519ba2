"""Who took what out of the log is written down before, and how it ended after."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded.errors import Trouble
from everlog.history.register import NAME, entries, registered, who
from everlog.home import Home


def test_an_export_is_noted_before_it_begins_and_when_it_has_ended(tmp_path: Path) -> None:
    home = Home(tmp_path, 8080, {})
    with registered(home, "export events", clear=True, path="/tmp/a") as entry:
        [begun] = entries(home)
        assert (begun["status"], begun["clear"], begun["by"]) == ("begun", True, who({}))
        entry.found = {"events": 7}
    [done] = entries(home)
    assert (done["status"], done["events"], done["path"]) == ("done", 7, "/tmp/a")
    assert done["at"] <= done["ended_at"]
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


def test_what_fails_is_noted_as_failed_without_saying_what_was_in_it(tmp_path: Path) -> None:
    home = Home(tmp_path, 8080, {})
    with pytest.raises(ValueError, match="Ada"), registered(home, "replay --sql"):
        raise ValueError("Ada Lovelace")
    [failed] = entries(home)
    assert (failed["status"], failed["error"]) == ("failed", "ValueError")


def test_nothing_is_exported_that_cannot_be_noted(tmp_path: Path) -> None:
    home = Home(tmp_path / "nowhere", 8080, {})
    with pytest.raises(Trouble, match="cannot be noted"), registered(home, "export events"):
        raise AssertionError("it must not come to this")


def test_whoever_became_root_is_named() -> None:
    assert who({"SUDO_USER": "ada"}).startswith("ada as ")
