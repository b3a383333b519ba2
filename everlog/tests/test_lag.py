"""How lag is shown to operators."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from everlog.commands.lag import _as_table


@pytest.mark.parametrize(
    ("events", "seconds", "shown"),
    [(0, 0.0, ["0", "0.0"]), (7, 1.25, ["7", "1.2"]), (None, None, ["?", "?"])],
)
def test_lag_that_nobody_knows_is_no_number(events: Any, seconds: Any, shown: list[str]) -> None:
    lane = {"lane": "live", "topic": "t", "applied": 9, "lag_events": events, "lag_s": seconds}
    standing = {"service": "s", "lanes": [lane], "outbox": {"events": 3}, "parked": {}}
    console = Console(width=200)
    with console.capture() as said:
        console.print(_as_table([standing]))
    assert said.get().splitlines()[1].split() == ["s", "live", "t", "9", *shown, "3", "0"]
