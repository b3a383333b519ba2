"""What the guide for analysts shows is run as it stands there."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from everlog.testing import Platform, visiting_alone

pytestmark = pytest.mark.e2e

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "analysts.md"


def shown(word: str) -> dict[str, Any]:
    """The names that the example with this word in it defines."""
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    [block] = [block for block in blocks if word in block]
    names: dict[str, Any] = {}
    exec(compile(block, str(GUIDE), "exec"), names)
    return names


async def test_the_generator_follows_the_feed_and_goes_on_where_it_stopped(
    platform: Platform,
) -> None:
    follow = shown("def follow(")["follow"]
    async with visiting_alone(platform) as ada:
        for name in ("Grace", "Mary"):
            await ada.post("/api/v1/contacts", {"first_name": name, "last_name": "Example"})
        events = follow(platform.url, ada.token, "contacts")
        first = await asyncio.to_thread(next, events)
        assert (first["number"], first["data"]["first_name"]) == (1, "Grace")
        again = follow(platform.url, ada.token, "contacts", first["number"], first["log"])
        second = await asyncio.to_thread(next, again)
        assert (second["number"], second["data"]["first_name"]) == (2, "Mary")
        restored = follow(platform.url, ada.token, "contacts", 99, first["log"])
        assert (await asyncio.to_thread(next, restored))["id"] == first["id"]
