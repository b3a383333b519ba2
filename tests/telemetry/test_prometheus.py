"""Scrape configurations, alert rules and dashboards: they parse, and mean what is really there."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import yaml

from embedded.ports import free_port
from everlog.services import PROGRAMS, SERVICES

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((INFRA / "prometheus" / "rules.yml").read_text())["groups"]
    for rule in group["rules"]
]
ALERTS = [rule for rule in RULES if "alert" in rule]
DASHBOARDS = sorted((INFRA / "grafana" / "dashboards").glob("*.json"))
RUNBOOK = ROOT / "docs" / "runbook.md"
_METRIC = re.compile(r"\b(?:everlog|http_server|process|node|python)_[a-z0-9_]+\b")
_OF_OTHERS = {
    "node_filesystem_avail_bytes",
    "node_filesystem_size_bytes",
}


@pytest.fixture(scope="session")
def prometheus() -> Path:
    """The folder with prometheus and promtool; .ci/prometheus gets them."""
    given, on_path = os.environ.get("EVERLOG_PROMETHEUS"), shutil.which("promtool")
    there = [Path(given)] if given else []
    there += [
        INFRA / "local/target/prometheus/usr/bin",
        *([Path(on_path).parent] if on_path else []),
    ]
    for folder in there:
        if (folder / "promtool").exists():
            return folder
    told = (
        "There is no Prometheus here: run .ci/prometheus, or name its folder in EVERLOG_PROMETHEUS."
    )
    if os.environ.get("CI") == "true":
        pytest.fail(told)
    pytest.skip(told)


def promtool(prometheus: Path, *arguments: str | Path) -> None:
    ran = subprocess.run(
        [prometheus / "promtool", *arguments], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def documented() -> set[str]:
    """The metrics in the guide's table, as samples are called; test_metrics compares it with what
    is exposed."""
    table = (ROOT / "docs/guides/operators.md").read_text().partition("### Metrics")[2]
    found = set()
    for name, kind in re.findall(r"^\| `(\w+)` \|[^|]*\| (\w+) \|", table, re.M):
        parts = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        found |= {name + part for part in parts}
    return found


def metrics_in(expression: str) -> set[str]:
    """The metrics that an expression asks for; label names look alike, and stand in braces."""
    bare = re.sub(r"\{[^}]*\}|\b(by|on|without)\s*\([^)]*\)", "", expression)
    return set(_METRIC.findall(bare))


def test_prometheus_takes_the_configurations(prometheus: Path) -> None:
    folder = INFRA / "prometheus"
    promtool(prometheus, "check", "config", folder / "embedded.yml")
    promtool(prometheus, "check", "config", "--syntax-only", folder / "prometheus.yml")
    promtool(prometheus, "check", "rules", folder / "rules.yml")


def test_every_alert_fires_when_it_has_to_and_not_before(prometheus: Path) -> None:
    promtool(prometheus, "test", "rules", INFRA / "prometheus" / "rules_test.yml")
    tried = (INFRA / "prometheus" / "rules_test.yml").read_text()
    untried = [rule["alert"] for rule in ALERTS if f"alertname: {rule['alert']}\n" not in tried]
    assert untried == []


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_how_bad_it_is_and_leads_into_the_runbook(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("page", "ticket")
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.M)
    assert anchor in {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
    [row] = [line for line in RUNBOOK.read_text().splitlines() if f"`{rule['alert']}`" in line]
    assert f"(#{anchor})" in row


def test_rules_ask_for_metrics_that_there_are() -> None:
    recorded = {rule["record"] for rule in RULES if "record" in rule}
    there = documented() | _OF_OTHERS
    for rule in RULES:
        expression = re.sub("|".join(recorded), "1", rule["expr"])
        assert metrics_in(expression) - there == set(), rule


def test_every_process_is_scraped_in_containers_and_on_one_machine() -> None:
    compose = yaml.safe_load((INFRA / "prometheus" / "prometheus.yml").read_text())
    [discovery] = compose["scrape_configs"][0]["dns_sd_configs"]
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    ours = {n for n in services if n.endswith(("-api", "-worker", "-stream")) or n == "gateway"}
    assert set(discovery["names"]) == ours
    embedded = yaml.safe_load((INFRA / "prometheus" / "embedded.yml").read_text())
    found = {
        (target["labels"]["service"], target["targets"][0])
        for target in embedded["scrape_configs"][0]["static_configs"]
    }
    there = {(p.name, f"127.0.0.1:{8080 + p.offset}") for p in PROGRAMS if p.speaks == "http"}
    assert found == there
    assert {name.rpartition("-")[0] for name in ours if name.endswith("-worker")} == set(SERVICES)


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            yield f"{path.stem}: {panel['title']}", panel


def expressions() -> dict[str, list[str]]:
    """What each panel asks Prometheus, with Grafana's variables filled in."""
    found: dict[str, list[str]] = {}
    for name, panel in panels():
        for target in panel.get("targets", ()):
            expression = (
                target["expr"].replace("$__rate_interval", "1m").replace("$service", "contacts")
            )
            found.setdefault(name, []).append(expression)
    return found


def test_dashboards_are_what_grafana_takes() -> None:
    provisioned = yaml.safe_load(
        (INFRA / "grafana/provisioning/datasources/everlog.yml").read_text()
    )
    sources = {source["uid"] for source in provisioned["datasources"]}
    uids = [json.loads(path.read_text())["uid"] for path in DASHBOARDS]
    assert len(set(uids)) == len(uids) == 4
    for path in DASHBOARDS:
        board = json.loads(path.read_text())
        assert {"title", "panels", "schemaVersion", "time", "templating"} <= set(board)
        ids = [panel["id"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids)
        for panel in board["panels"]:
            place = panel["gridPos"]
            assert 0 < place["w"] <= 24 - place["x"], panel["title"]
            assert panel["title"]
            if panel["type"] != "row":
                assert panel["datasource"]["uid"] in sources
            if panel["type"] not in ("row", "alertlist"):
                assert panel["targets"], panel["title"]


def test_dashboards_ask_for_metrics_that_there_are() -> None:
    there = documented() | _OF_OTHERS
    for panel, asked in expressions().items():
        for expression in asked:
            assert metrics_in(expression), (panel, expression)
            assert metrics_in(expression) - there == set(), (panel, expression)
    used = {m for asked in expressions().values() for e in asked for m in metrics_in(e)}
    ruled = {m for rule in RULES for m in metrics_in(rule["expr"])}
    unseen = {re.sub("_(bucket|sum|count)$", "", m) for m in documented() - used - ruled}
    shown = {re.sub("_(bucket|sum|count)$", "", m) for m in used | ruled}
    assert unseen - shown == {
        "everlog_process_info",  # which process: what the variables of the dashboards are made of
        *(
            name
            for name in documented()
            if name.startswith(("python_", "process_virtual", "process_start"))
        ),
    }


def test_prometheus_understands_what_dashboards_ask(prometheus: Path, tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expression}
        for number, expression in enumerate(e for asked in expressions().values() for e in asked)
    ]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    promtool(prometheus, "check", "rules", path)


def test_a_prometheus_scrapes_a_running_platform(
    prometheus: Path, watched: Any, story: Any, tmp_path: Path
) -> None:
    config = (INFRA / "prometheus" / "embedded.yml").read_text()
    for program in PROGRAMS:
        config = config.replace(f':{8080 + program.offset}"', f':{watched.port + program.offset}"')
    config = config.replace("15s", "1s").replace("scrape_timeout: 10s", "scrape_timeout: 1s")
    (tmp_path / "prometheus.yml").write_text(config)
    shutil.copy(INFRA / "prometheus" / "rules.yml", tmp_path)
    port = free_port()
    command = [str(prometheus / "prometheus"), f"--config.file={tmp_path / 'prometheus.yml'}"]
    command += [
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (tmp_path / "log").open("w") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _look(f"http://127.0.0.1:{port}")
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(20)


def _look(url: str) -> None:
    processes = {program.name for program in PROGRAMS if program.speaks == "http"}

    def up() -> bool:
        return {r["metric"]["service"] for r in _ask(url, "up == 1") if r} == processes

    _until(up, "not every process could be scraped")
    twice = f"count(rate(process_cpu_seconds_total[1m])) == {len(processes)}"
    _until(lambda: bool(_ask(url, twice)), "not every process could be scraped twice")
    empty = [
        (panel, expression)
        for panel, asked in expressions().items()
        for expression in asked
        if not _ask(url, expression)
    ]
    assert {panel for panel, _ in empty} <= MAY_BE_EMPTY, empty
    with urlopen(f"{url}/api/v1/rules?type=alert") as answer:
        groups = json.load(answer)["data"]["groups"]
    health = {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}
    assert set(health) == {rule["alert"] for rule in ALERTS}
    firing = {r["metric"]["alertname"] for r in _ask(url, 'ALERTS{alertstate="firing"}')}
    assert firing == set(), "a platform that works rings no bell"


MAY_BE_EMPTY = {
    # Nothing is wrong, and nothing is being rebuilt, imported or sent at the moment.
    "service: Parked",
    "service: Rebuilds under way",
    "service: Rows imported",
    "service: Sequences parked",
    "service: Latest errands",
    "service: Reminders overdue or given up",
    "road: Parked sequences",
    "road: Answers of 500 and more",
    "campaigns: Send ledger: open entries",
    "campaigns: Age of the oldest open entry",
    "campaigns: Broadcasts that wait for their time",
    "campaigns: Opens, clicks, unsubscriptions",
    "servers: Space left, containers' host",
}


def _ask(url: str, expression: str) -> list[dict[str, Any]]:
    try:
        with urlopen(f"{url}/api/v1/query?{urlencode({'query': expression})}") as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
            return found
    except URLError:
        return []


def _until(holds: Any, told: str) -> None:
    for _ in range(150):
        if holds():
            return
        time.sleep(0.2)
    raise AssertionError(told)


def test_the_profile_of_compose_is_pinned_bounded_and_on_loopback() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    watching = {n: s for n, s in services.items() if s.get("profiles") == ["observability"]}
    assert set(watching) == {"prometheus", "grafana", "otel-collector", "jaeger", "node-exporter"}
    for name, service in watching.items():
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"]), name
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}, name
        assert (service["cap_drop"], service["read_only"]) == (["ALL"], True), name
        for port in service.get("ports", ()):
            assert re.match(r"127\.0\.0\.1:\$\{EVERLOG_[A-Z]+_PORT:-\d+\}:\d+$", port), name
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert not source.startswith("./") or (ROOT / source).exists(), (name, source)


def test_the_collector_hands_on_what_our_processes_send() -> None:
    """Without its program, which no package brings: its parts are checked by their names."""
    config = yaml.safe_load((INFRA / "otel" / "collector.yml").read_text())
    assert set(config) == {"receivers", "processors", "exporters", "service"}
    kinds = {part: {n.partition("/")[0] for n in config[part]} for part in list(config)[:3]}
    assert kinds == {
        "receivers": {"otlp"},
        "processors": {"memory_limiter", "batch"},
        "exporters": {"otlp"},
    }
    [(name, pipeline)] = config["service"]["pipelines"].items()
    assert name == "traces"
    for part in ("receivers", "processors", "exporters"):
        assert set(pipeline[part]) == set(config[part])
    assert pipeline["processors"][0] == "memory_limiter", "the limiter has to come first"
    listens = config["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    compose = (ROOT / "docker-compose.yml").read_text()
    assert f"http://otel-collector:{listens.rpartition(':')[2]}" in compose
