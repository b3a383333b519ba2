"""What the options of an export mean, and what they refuse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chassis.ids import new_id
from embedded.errors import Trouble
from everlog.history.selection import By, Selection, select
from everlog.history.times import beginning, end
from everlog.manifests import all_manifests

MANIFESTS = {manifest.service: manifest for manifest in all_manifests()}
DAY = datetime(2017, 3, 31, tzinfo=UTC)


def test_a_day_begins_at_midnight_and_counts_as_a_whole() -> None:
    assert (beginning("2017-03-31"), end("2017-03-31")) == (DAY, DAY + timedelta(days=1))


def test_a_moment_counts_itself_wherever_it_was_written() -> None:
    assert beginning("2017-03-31T02:00:00+02:00") == DAY
    assert end("2017-03-31T00:00:00Z") == DAY + timedelta(microseconds=1)


@pytest.mark.parametrize("text", ["yesterday", "2017-13-01", "2017-03-31T12:00:00", ""])
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Trouble) as refused:
        beginning(text)
    assert "2017-03-31T12:00:00Z" in refused.value.advice


def test_types_and_streams_say_which_services_are_meant() -> None:
    assert select(MANIFESTS, types=["pipeline.deal-won.v1"]).services == ("pipeline",)
    assert select(MANIFESTS, streams=[f"person-{new_id()}"]).services == ("contacts",)
    assert select(MANIFESTS).services == tuple(MANIFESTS)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"services": ["pipelin"]}, "pipeline"),
        ({"types": ["pipeline.deal-wom.v1"]}, "pipeline.deal-won.v1"),
        ({"streams": ["nothing"]}, "deal-"),
        ({"workspaces": ["mine"]}, "/api/v1/workspace"),
        ({"services": ["contacts"], "types": ["pipeline.deal-won.v1"]}, "--service"),
    ],
)
def test_what_is_not_there_is_refused_with_what_may_be_meant(
    given: dict[str, list[str]], told: str
) -> None:
    with pytest.raises(Trouble) as refused:
        select(MANIFESTS, **given)  # type: ignore[arg-type]
    assert told in refused.value.advice


def test_a_selection_tells_what_was_named_and_no_more() -> None:
    selection = select(MANIFESTS, types=["pipeline.deal-won.v1"], since="2017-03-31")
    assert selection.told() == {
        "services": ("pipeline",),
        "types": ("pipeline.deal-won.v1",),
        "since": "2017-03-31T00:00:00+00:00",
        "by": "recorded",
    }


def test_conditions_are_made_of_what_was_named() -> None:
    selection = Selection(("pipeline",), until=DAY, by=By.OCCURRED, as_of=DAY)
    assert selection.conditions() == (["e.occurred_at < %s", "e.occurred_at < %s"], [DAY, DAY])
