"""The mails in the sink, as operators look at them."""

from __future__ import annotations

import mailbox
import os
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from chassis.ids import new_id
from gateway.mails import WORKSPACE
from gateway.testing import Asker, gateway_before_echo


def mail(subject: str, to: str = "ada@example.com", **headers: str) -> EmailMessage:
    made = EmailMessage()
    made["X-Envelope-To"] = to
    made["From"] = "Bookshop <shop@example.com>"
    made["To"] = to
    made["Subject"] = subject
    made["Date"] = "Sun, 01 Mar 2026 13:00:00 +0100"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(f"Hello, {subject}")
    made.add_alternative(f"<p style='color:red'>Hello, {subject}</p>", subtype="html")
    return made


@pytest.fixture
async def ask(tmp_path: Path) -> AsyncIterator[Asker]:
    async with gateway_before_echo(tmp_path, mailbox=tmp_path / "mailbox") as asker:
        yield asker


def keep(tmp_path: Path, *mails: EmailMessage) -> None:
    box = mailbox.Maildir(tmp_path / "mailbox", create=True)
    for number, each in enumerate(mails):
        key = box.add(each)
        os.utime(tmp_path / "mailbox" / "new" / key, (number, number))


async def test_mails_are_listed_newest_first_page_by_page(ask: Asker, tmp_path: Path) -> None:
    keep(tmp_path, *(mail(f"Offer {n} für Zoë", f"p{n}@example.com") for n in range(5)))
    _, page, _ = await ask("GET", "/api/v1/ops/mails?limit=2")
    _, rest, _ = await ask("GET", f"/api/v1/ops/mails?limit=10&cursor={page['next']}")
    items = page["items"] + rest["items"]
    assert [item["subject"][6] for item in items] == ["4", "3", "2", "1", "0"]
    assert rest["next"] is None
    assert items[0]["to"] == ["p4@example.com"]
    assert items[0]["from"] == "Bookshop <shop@example.com>"
    assert items[0]["date"] == "2026-03-01T12:00:00Z"
    _, found, _ = await ask("GET", "/api/v1/ops/mails?to=P3@")
    assert [item["to"] for item in found["items"]] == [["p3@example.com"]]


async def test_one_mail_is_shown_with_headers_text_and_html(ask: Asker, tmp_path: Path) -> None:
    keep(tmp_path, mail("Größe", List_Unsubscribe="<https://x/u/1>"))
    _, listed, _ = await ask("GET", "/api/v1/ops/mails")
    path = f"/api/v1/ops/mails/{listed['items'][0]['id']}"
    _, shown, _ = await ask("GET", path)
    assert shown["text"].strip() == "Hello, Größe"
    assert "<p style" in shown["html"]
    assert {"name": "List-Unsubscribe", "value": "<https://x/u/1>"} in shown["headers"]
    assert shown["attachments"] == []
    status, html, headers = await ask("GET", shown["html_url"])
    assert (status, b"color:red" in html) == (200, True)
    policy = headers["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "X-Frame-Options" not in headers


async def test_a_mail_of_another_workspace_is_not_shown(ask: Asker, tmp_path: Path) -> None:
    mine, others = ask.echo.workspace, new_id()
    header = WORKSPACE.replace("-", "_")
    keep(
        tmp_path,
        mail("Mine", **{header: str(mine)}),
        mail("Other", **{header: str(others)}),
        mail("Mine too", List_Id=f"<news.{mine.hex[-12:]}.example.com>"),
        mail("Other too", List_Id=f"<news.{others.hex[-12:]}.example.com>"),
    )
    _, listed, _ = await ask("GET", "/api/v1/ops/mails")
    assert [item["subject"] for item in listed["items"]] == ["Mine too", "Mine"]
    shown = {item["id"] for item in listed["items"]}
    hidden = set(os.listdir(tmp_path / "mailbox" / "new")) - shown
    assert len(hidden) == 2
    for key in hidden:
        assert (await ask("GET", f"/api/v1/ops/mails/{key}"))[0] == 404


@pytest.mark.parametrize("key", ["nothing", "..%2f..%2fsecrets", "verify.pem", ".", "x" * 300])
async def test_what_is_no_mail_is_not_found(ask: Asker, tmp_path: Path, key: str) -> None:
    keep(tmp_path, mail("One"))
    assert (await ask("GET", f"/api/v1/ops/mails/{key}"))[0] == 404


async def test_before_the_first_mail_the_list_is_empty(ask: Asker) -> None:
    assert (await ask("GET", "/api/v1/ops/mails"))[1] == {"items": [], "next": None}


async def test_without_a_sink_it_is_said_where_mails_went(tmp_path: Path) -> None:
    async with gateway_before_echo(tmp_path) as ask:
        status, problem, _ = await ask("GET", "/api/v1/ops/mails")
        assert (status, "EVERLOG_SMTP" in problem["detail"]) == (404, True)


async def test_only_operators_look_at_mails(tmp_path: Path) -> None:
    permissions = frozenset({"contacts.read"})
    async with gateway_before_echo(tmp_path, permissions, mailbox=tmp_path / "m") as ask:
        status, problem, _ = await ask("GET", "/api/v1/ops/mails")
        assert (status, problem["permission"]) == (403, "ops")
        assert (await ask("GET", "/api/v1/ops/mails", Authorization=""))[0] == 401
