"""What services promise each other is written down, kept, and enough for those who read it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from chassis.events import Event, wire_name
from chassis.manifest import Manifest
from chassis.testing.contract_files import broken_promises, path_of, text_of, unmet_needs
from everlog.manifests import all_manifests
from everlog.topics import topics_yaml

ROOT = Path(__file__).parents[2] / "contracts"
MANIFESTS = all_manifests()
PUBLISHED = [event for manifest in MANIFESTS for event in manifest.published()]
RECEIVED = [(manifest, event) for manifest in MANIFESTS for event in manifest.received]


@pytest.mark.parametrize("event", PUBLISHED, ids=wire_name)
def test_every_published_event_has_its_contract_written(event: type[Event]) -> None:
    path = path_of(event, ROOT)
    assert path.exists(), f"{path} is missing: run `make contracts` and review it"
    assert path.read_text() == text_of(event), f"{path} is out of date: run `make contracts`"


@pytest.mark.parametrize(
    ("manifest", "event"), RECEIVED, ids=[f"{m.service}-{wire_name(e)}" for m, e in RECEIVED]
)
def test_a_reader_needs_only_what_is_promised(manifest: Manifest, event: type[Event]) -> None:
    contract = json.loads(path_of(event, ROOT).read_text())
    assert unmet_needs(event, contract) == []


def test_wire_names_and_categories_belong_to_one_owner() -> None:
    names = [wire_name(event) for event in PUBLISHED]
    assert len(names) == len(set(names))
    categories = [d.category for manifest in MANIFESTS for d in manifest.deciders]
    assert len(categories) == len(set(categories))
    for manifest in MANIFESTS:
        for event in manifest.published():
            assert wire_name(event).startswith(f"{manifest.service}.")


def test_followed_categories_are_those_of_somebody() -> None:
    owners = {d.category: m.service for m in MANIFESTS for d in m.deciders}
    for manifest in MANIFESTS:
        for category in manifest.follows:
            assert owners.get(category, manifest.service) != manifest.service, category


def test_no_contract_lies_there_without_its_event() -> None:
    expected = {path_of(event, ROOT) for event in PUBLISHED}
    assert set(ROOT.glob("*/*.v*.json")) == expected


def test_the_topics_page_is_what_the_manifests_say() -> None:
    assert (ROOT / "topics.yaml").read_text() == topics_yaml(MANIFESTS)


def test_what_was_published_is_only_added_to() -> None:
    """Against the main line of the origin, or the commit before where there is no origin."""
    for path in sorted(ROOT.glob("*/*.v*.json")):
        before = _published(path)
        if before is not None:
            old, new = json.loads(before), json.loads(path.read_text())
            assert broken_promises(old["schema"], new["schema"]) == [], path
            assert old["sealed"] == new["sealed"], path


def _published(path: Path) -> str | None:
    relative = path.relative_to(ROOT.parent).as_posix()
    for revision in ("origin/main", "HEAD~1"):
        shown = subprocess.run(
            ["git", "show", f"{revision}:{relative}"],
            cwd=ROOT.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        known = subprocess.run(
            ["git", "rev-parse", "--verify", "--quiet", revision],
            cwd=ROOT.parent,
            capture_output=True,
            check=False,
        )
        if known.returncode == 0:
            return shown.stdout if shown.returncode == 0 else None
    return None
