"""The pages for repairs: what may be asked of which read model; what a parked sequence shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.web.rendering import render

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Operator:
    permissions: frozenset[str]

    def may(self, permission: str) -> bool:
        return permission in self.permissions


OF_THE_FIRST = Operator(frozenset({"ops", "ops.installation"}))
OF_ANOTHER = Operator(frozenset({"ops"}))


def model(status: str, *, answers: bool, generation: int = 3) -> dict[str, Any]:
    return {
        "service": "contacts",
        "name": "tags",
        "status": status,
        "answers": answers,
        "version": 1,
        "generation": generation,
        "live_at": "2026-11-24T10:00:00Z",
        "parked": 0,
    }


def models(*items: dict[str, Any], visit: Operator = OF_THE_FIRST) -> str:
    standby = {(m["service"], m["name"]) for m in items if m["status"] == "standby"}
    return render(
        "ops/models.html",
        visit=visit,
        models={"items": list(items)},
        errands=[],
        running=[],
        standby=standby,
        services=["contacts"],
        now=NOW,
    )


def test_a_live_read_model_can_be_rebuilt_built_beside_compared_and_paused() -> None:
    page = models(model("live", answers=True))
    for label in ("Build tags beside", "Compare tags", "Pause tags"):
        assert f'aria-label="{label}"' in page
    assert "Rebuild</button>" in page
    assert "Resume" not in page
    assert "Rebuild every read model of contacts" in page


def test_operators_of_other_workspaces_see_them_and_are_offered_nothing() -> None:
    page = models(model("live", answers=True), visit=OF_ANOTHER)
    assert "tags" in page
    assert "<button" not in page


def test_a_paused_one_can_be_resumed_and_nothing_else() -> None:
    page = models(model("paused", answers=True))
    assert "Paused, answers" in page
    assert "Resume</button>" in page
    assert "Compare" not in page


def test_one_that_stands_by_can_answer_and_is_not_built_a_second_time() -> None:
    page = models(model("live", answers=True), model("standby", answers=False, generation=4))
    assert "Let generation 4 of tags answer?" in page
    assert "Build tags beside" not in page


def test_one_that_was_replaced_by_another_version_offers_nothing() -> None:
    page = models(model("paused", answers=False))
    assert "Resume" not in page


def test_a_parked_sequence_shows_its_cause_and_its_events_as_stored() -> None:
    event = {
        "version": 2,
        "type": "contacts.note-taken.v1",
        "recorded_at": "2026-11-24T10:00:00Z",
        "actor": "user-1",
        "data": {"person_id": "1", "sealed": "AAAA", "<b>": "&"},
    }
    parked = {
        "projection": "timeline",
        "stream": "person-1",
        "cause": "failed",
        "error": "KeyError: 'x'",
        "attempts": 2,
        "parked_at": "2026-11-24T10:00:00Z",
        "waiting": 3,
        "events": [event, {"version": 3, "type": "contacts.note-taken.v1"}],
    }
    page = render("ops/parked_sequence.html", parked=parked, service="contacts", now=NOW, zone=None)
    assert "KeyError: &#39;x&#39;" in page
    assert "&#34;sealed&#34;: &#34;AAAA&#34;" in page
    assert "<b>" not in page.partition("contacts.note-taken.v1")[2].partition("<pre")[2][:200]
    assert "It is not where it was on the topic." in page
    assert "The first 2 of 3." in page
