"""Signed links: they name a message and nothing else, and cannot be made by anybody but us."""

from __future__ import annotations

import pytest

from campaigns.sending.links import Kind, Links, Target
from campaigns.sending.silence import address_hash
from chassis.ids import new_id
from chassis.vault import Keyring

LINKS = Links(Keyring(b"k" * 32), "https://crm.example.com/")
OTHERS = Links(Keyring(b"o" * 32), "https://crm.example.com/")
TARGET = Target(new_id(), new_id())


def token(url: str) -> str:
    return url.rpartition("/")[2].removesuffix(".gif")


def test_a_link_tells_us_what_it_is_about() -> None:
    third = Target(TARGET.workspace, TARGET.message_id, 3)
    assert LINKS.read("open", token(LINKS.opened(TARGET))) == TARGET
    assert LINKS.read("click", token(LINKS.clicked(third))) == third
    assert LINKS.read("unsubscribe", token(LINKS.unsubscribe(TARGET))) == TARGET
    assert LINKS.opened(TARGET).startswith("https://crm.example.com/t/o/")


@pytest.mark.parametrize("kind", ["open", "click", "unsubscribe"])
def test_no_other_link_can_be_made_of_it(kind: Kind) -> None:
    click = token(LINKS.clicked(TARGET))
    if kind != "click":
        assert LINKS.read(kind, click) is None
    assert OTHERS.read(kind, click) is None
    for place in range(len(click)):
        changed = click[:place] + ("A" if click[place] != "A" else "B") + click[place + 1 :]
        assert LINKS.read(kind, changed) is None


@pytest.mark.parametrize("junk", ["", "x", "....", "ä", "A" * 63, "A" * 68, "%00", "a" * 10_000])
def test_junk_is_none_of_ours(junk: str) -> None:
    assert LINKS.read("open", junk) is None


def test_an_address_is_kept_as_a_hash_that_differs_between_workspaces() -> None:
    keyring, workspace = Keyring(b"k" * 32), new_id()
    hashed = address_hash(keyring, workspace, "ada@example.org")
    assert hashed == address_hash(keyring, workspace, "ada@example.org")
    assert hashed != address_hash(keyring, new_id(), "ada@example.org")
    assert "ada" not in hashed
