"""Pages show what services answer, under the names they answer it by."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.testing import SECRET, Asker, gateway_before_echo

COOKIE = f"everlog_session={SECRET}"


@pytest.fixture
async def ask(tmp_path: Path) -> AsyncIterator[Asker]:
    async with gateway_before_echo(
        tmp_path, frozenset({"campaigns.read", "imports.run", "ops"})
    ) as asker:
        workspace = {"name": "Bookshop", "time_zone": "UTC", "currency": "EUR"}
        me = {"name": "Ada", "sees": "all", "permissions": [], "workspace": workspace}
        asker.echo.answers["/api/v1/me"] = (200, me)
        yield asker


async def page(ask: Asker, path: str, status: int = 200) -> str:
    found, content, _ = await ask("GET", path, Cookie=COOKIE, HX_Request="true")
    assert found == status, content
    return str(content.decode())


async def sign_in(ask: Asker, form: str) -> tuple[int, str]:
    kind = "application/x-www-form-urlencoded"
    status, content, _ = await ask(
        "POST", "/sign-in", form.encode(), Authorization="", Content_Type=kind
    )
    return status, content.decode()


async def test_whoever_has_several_workspaces_chooses_one_to_sign_in_to(ask: Asker) -> None:
    choices = [{"id": "w1", "name": "One & Only"}, {"id": "w2", "name": "Two"}]
    problem = {"code": "several-workspaces", "detail": "Send `workspace`.", "choices": choices}
    ask.echo.answers["/api/v1/sessions"] = (409, problem)
    status, html = await sign_in(ask, "email=ada%40example.org&password=hush")
    assert (status, "hush" in html, "Send `workspace`" in html) == (409, False, False)
    assert '<option value="w1" >One &amp; Only</option>' in html
    assert 'value="ada@example.org"' in html
    ask.echo.answers["/api/v1/sessions"] = (201, {"token": SECRET})
    status, _ = await sign_in(ask, "email=ada%40example.org&password=hush&workspace=w2")
    assert (status, ask.echo.bodies[-1]["workspace"]) == (303, "w2")


async def test_lag_that_a_service_does_not_know_is_no_number(ask: Asker) -> None:
    lane = {
        "lane": "live",
        "topic": "everlog.contacts",
        "applied": 7,
        "lag_events": None,
        "lag_s": None,
    }
    outbox = {"events": 3, "oldest_s": 9.5}
    standing = {"lanes": [lane], "read_models": [], "outbox": outbox, "parked": {}, "failing": {}}
    ask.echo.answers["/api/v1/ops/standing"] = (200, standing)
    _, services, _ = await ask("GET", "/api/v1/ops/services")
    assert {(each["lag_events"], each["lag_s"]) for each in services["items"]} == {(None, None)}
    _, lag, _ = await ask("GET", "/api/v1/ops/lag")
    assert {each["lag_events"] for each in lag["items"]} == {None}
    html = await page(ask, "/ops")
    assert html.count(">?</span>") == len(services["items"]) + len(lag["items"])
    assert ">nothing<" not in html


@pytest.mark.parametrize("may", [True, False])
async def test_rebuilds_are_offered_to_those_who_may_ask_for_them(ask: Asker, may: bool) -> None:
    if may:
        ask.echo.answers["/api/v1/me"][1]["permissions"].append("ops.installation")
    model = {"name": "tags", "status": "live", "generation": 1, "version": 1}
    lane = {"lanes": [], "read_models": [model], "outbox": {}, "parked": {}, "failing": {}}
    ask.echo.answers["/api/v1/ops/standing"] = (200, lane)
    errand: dict[str, Any] = {
        "id": "7",
        "kind": "rebuild",
        "arguments": {"read_model": "tags"},
        "status": "done",
    }
    errand |= {"asked_at": "2026-03-30T12:00:00Z", "asked_by": None}
    ask.echo.answers["/api/v1/ops/errands"] = (200, {"items": [errand]})
    html = await page(ask, "/ops/models")
    assert ("Rebuild</button>" in html) is may
    assert "another workspace ·" in html


async def test_rows_with_errors_are_offered_as_long_as_they_are_kept(ask: Asker) -> None:
    ask.echo.answers["/api/v1/me"][1]["permissions"].append("imports.run")
    url = "/api/v1/imports/7/errors.csv"
    job: dict[str, Any] = {
        "id": "7",
        "file_name": "a.csv",
        "type": "contacts",
        "status": "done",
        "failed": 3,
    }
    job |= {"dry_run": False}
    for kept in (url, None):
        item = {**job, "errors_url": kept}
        ask.echo.answers["/api/v1/imports"] = (200, {"items": [item], "next": None})
        ask.echo.answers["/api/v1/imports/7"] = (200, item)
        for path in ("/import", "/import/7"):
            assert (url in await page(ask, path)) is (kept is not None)
        assert "3 errors" in await page(ask, "/import")


async def test_who_does_not_import_files_is_told_so(ask: Asker) -> None:
    status, content, _ = await ask("GET", "/import", Cookie=COOKIE)
    assert (status, b"Your role does not import files." in content) == (403, True)


async def test_a_broadcast_that_waits_says_what_the_mail_server_answered(ask: Asker) -> None:
    waiting: dict[str, Any] = {"since": "2026-03-30T12:00:00Z", "error": "421 too many of you"}
    record = {"id": "7", "name": "News", "status": "sending", "counts": {}, "waiting": waiting}
    ask.echo.answers["/api/v1/broadcasts/7"] = (200, record)
    assert "421 too many of you" in await page(ask, "/campaigns/7")


ADA = {"id": "a", "name": "Ada", "email": "ada@x.example", "phone": None, "company": "Acme"}
ADA |= {"city": None, "created_at": "2026-03-30T12:00:00Z"}
OTHER = {**ADA, "id": "b", "name": "A. Lovelace"}


async def test_whoever_enters_somebody_is_told_who_is_there_already(ask: Asker) -> None:
    check = "/api/v1/contacts/duplicates/check"
    ask.echo.answers[check] = (200, {"items": [{"person": ADA, "score": 0.9, "why": []}]})
    html = await page(ask, "/contacts/similar?first_name=Ada&email=")
    assert "There is already" in html
    assert '<a href="/contacts/a">Ada</a> (Acme)' in html
    assert ask.echo.bodies[-1] == {"first_name": "Ada"}


async def test_the_queue_says_what_speaks_for_a_pair_and_what_against(ask: Asker) -> None:
    ask.echo.answers["/api/v1/me"][1]["permissions"] += ["contacts.write", "contacts.read"]
    why = [
        {"field": "email", "level": "same", "weight": 12.0},
        {"field": "custom.postcode", "level": "different", "weight": -4.0},
    ]
    pair = {"left": ADA, "right": OTHER, "score": 0.9999, "why": why}
    ask.echo.answers["/api/v1/contacts/duplicates"] = (200, {"items": [pair], "next": None})
    ask.echo.answers["/api/v1/contacts/duplicates/rule"] = (200, {"threshold": None})
    html = await page(ask, "/contacts/duplicates")
    assert "99 %" in html
    assert "E-mail same" in html
    assert "Postcode different" in html
    assert "/contacts/a/merge/b" in html


async def test_two_records_are_side_by_side_with_a_choice_where_they_differ(ask: Asker) -> None:
    record: dict[str, Any] = {"emails": [], "phones": [], "tags": []}
    shown = {
        "survivor": {**ADA, **record},
        "duplicate": {**OTHER, **record},
        "fields": [
            {"field": "first_name", "survivor": "Ada", "duplicate": "A.", "merged": "Ada"},
            {"field": "city", "survivor": None, "duplicate": "Bonn", "merged": "Bonn"},
        ],
    }
    ask.echo.answers["/api/v1/contacts/a/merge"] = (200, shown)
    html = await page(ask, "/contacts/a/merge/b")
    assert html.count('type="radio"') == 2
    assert 'name="of.first_name" value="duplicate"' in html
    assert "Bonn" in html
