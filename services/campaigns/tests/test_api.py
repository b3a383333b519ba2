"""Templates, broadcasts and audiences over HTTP: who may do what, and what a refusal says."""

from __future__ import annotations

from typing import Any

import pytest

from chassis.http.principal import AGGREGATE, OWN
from chassis.ids import new_id

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

MJML = """<mjml><mj-body><mj-section><mj-column>
<mj-text>Dear {{ first_name|default:"reader" }}</mj-text>
<mj-button href="https://shop.example.com/">Shop</mj-button>
</mj-column></mj-section></mj-body></mjml>"""


async def test_a_template_is_written_read_and_revised(world: Any) -> None:
    body = {"name": "Spring", "subject": "Spring, {{ first_name }}", "mjml": MJML}
    status, made, headers = await world.ask("POST", "/api/v1/templates", body)
    assert status == 201
    path, token = headers["Location"], headers["Everlog-Token"]
    _, found, headers = await world.ask("GET", path, Everlog_Token=token)
    assert (found["format"], found["mjml"], found["html"]) == ("mjml", MJML, None)
    assert (found["version"], headers["ETag"]) == (1, '"1"')
    changed = {**body, "name": "Summer"}
    status, problem, _ = await world.ask("PUT", path, changed)
    assert (status, problem["code"]) == (428, "precondition-required")
    status, _, headers = await world.ask("PUT", path, changed, If_Match='"1"')
    assert (status, headers["ETag"]) == (200, '"2"')
    status, problem, _ = await world.ask("PUT", path, body, If_Match='"1"')
    assert (status, problem["code"]) == (412, "stale-version")
    token = headers["Everlog-Token"]
    _, listed, _ = await world.ask("GET", "/api/v1/templates", Everlog_Token=token)
    assert [(t["id"], t["name"]) for t in listed["items"]] == [(made["id"], "Summer")]


async def test_a_broken_template_is_refused_with_line_and_reason(world: Any) -> None:
    body = {"name": "Broken", "subject": "Hi", "mjml": MJML.replace("first_name", "firstname")}
    status, problem, _ = await world.ask("POST", "/api/v1/templates", body)
    assert (status, problem["code"]) == (422, "broken-template")
    [error] = problem["errors"]
    assert (error["part"], error["line"]) == ("body", 2)
    assert "Did you mean 'first_name'?" in error["detail"]
    status, problem, _ = await world.ask("POST", "/api/v1/templates", {**body, "html": "<p>x</p>"})
    assert status == 422
    assert "either as html or as mjml" in problem["detail"]


async def test_a_template_is_previewed_for_somebody_made_up_or_real(world: Any) -> None:
    person = await world.person("Grace")
    await world.ask("GET", "/api/v1/broadcasts", **world.headers)
    template = await world.template(None, mjml=MJML)
    path = f"/api/v1/templates/{template}/preview"
    _, made_up, _ = await world.ask("POST", path)
    assert made_up["subject"] == "Hello Ada"
    assert "Dear Ada" in made_up["html"]
    assert "Dear Ada" in made_up["text"]
    assert made_up["links"] == ["https://shop.example.com/"]
    assert 'href="https://shop.example.com/"' in made_up["html"]
    _, real, _ = await world.ask("POST", path, {"person_id": str(person)})
    assert "Dear Grace" in real["html"]
    status, _, _ = await world.ask("POST", path, {"person_id": str(new_id())})
    assert status == 404
    draft = {"name": "x", "subject": "Hi", "html": "<p>{{ nope }}</p>"}
    status, problem, _ = await world.ask("POST", "/api/v1/templates/preview", draft)
    assert (status, problem["code"]) == (422, "broken-template")
    _, fields, _ = await world.ask("GET", "/api/v1/merge-fields")
    assert "first_name" in {field["name"] for field in fields["fields"]}


async def test_a_test_mail_goes_out_at_once_and_not_twice_for_one_key(world: Any) -> None:
    template = await world.template()
    path = f"/api/v1/templates/{template}/test"
    for _ in range(2):
        body = {"to": "me@example.org"}
        status, said, _ = await world.ask("POST", path, body, Idempotency_Key="once")
        assert (status, said) == (200, {"status": "sent"})
    [mail] = world.post.to("me@example.org")
    assert mail["Subject"] == "[Test] Hello Ada"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe"] is None
    status, problem, _ = await world.ask("POST", path, {"to": "nobody"})
    assert (status, problem["pointer"]) == (422, "#/to")
    world.post.to_rcpt = lambda _: "550 5.1.1 unknown"
    status, problem, _ = await world.ask("POST", path, {"to": "you@example.org"})
    assert (status, problem["code"]) == (409, "mail-refused")
    assert "smtp-550 5.1.1" in problem["detail"]


async def test_an_audience_is_counted_by_tags_and_filters(world: Any) -> None:
    company = new_id()
    added = {"type": "contacts.company-added.v1", "company_id": str(company), "name": "Acme"}
    await world.fact("company", company, added)
    await world.person("Ada", "Reader", "vip", city="London", country="GB")
    await world.person("Bob", "reader", city="london ", country="GB", company_id=str(company))
    await world.person("Cy", "vip", city="Paris", country="FR")
    await world.person("Mute", "reader", emails=[])
    cases: list[tuple[dict[str, Any], tuple[int, int]]] = [
        ({"everyone": True}, (4, 3)),
        ({"tag": "READER"}, (3, 2)),
        ({"tags": ["reader", "vip"]}, (4, 3)),
        ({"tags": ["reader", "vip"], "match": "all"}, (1, 1)),
        ({"filter": {"city": "LONDON"}}, (2, 2)),
        ({"filter": {"country": ["FR", "GB"], "tag": "vip"}}, (2, 2)),
        ({"filter": {"company": str(company)}}, (1, 1)),
        ({"tag": "nobody"}, (0, 0)),
    ]
    for body, expected in cases:
        status, counted, _ = await world.ask(
            "POST", "/api/v1/audiences/count", body, **world.headers
        )
        assert status == 200, counted
        assert (counted["people"], counted["reachable"]) == expected, body
    for wrong in ({}, {"everyone": True, "tag": "x"}, {"filter": {"shoe": "9"}}):
        status, problem, _ = await world.ask("POST", "/api/v1/audiences/count", wrong)
        assert (status, problem["code"]) == (422, "bad-input"), wrong
    status, problem, _ = await world.ask(
        "POST", "/api/v1/audiences/count", {"filter": {"company": "Acme"}}
    )
    assert (status, "by its id" in problem["detail"]) == (422, True)


async def test_roles_that_see_groups_only_get_no_single_person_and_no_small_group(
    world: Any,
) -> None:
    template = await world.template()
    person = await world.person("Ada", "few")
    for n in range(5):
        await world.person(f"Many{n}", "many")
    few = await world.plan(template, {"tag": "few"})
    await world.start(few)
    await world.finished(few)
    marketing = world.ask.other(role="marketing_manager", sees=AGGREGATE)
    try:
        count = "/api/v1/audiences/count"
        _, counted, _ = await marketing("POST", count, {"tag": "few"})
        assert counted == {"people": None, "reachable": None, "group_least": 5}
        _, counted, _ = await marketing("POST", count, {"tag": "many"})
        assert (counted["people"], counted["reachable"]) == (5, 5)
        _, shown, _ = await marketing("GET", f"/api/v1/broadcasts/{few}")
        assert (shown["counts"]["sent"], shown["counts"]["opened"]) == (1, None)
        for method, path in (
            ("GET", f"/api/v1/broadcasts/{few}/messages"),
            ("GET", f"/api/v1/messages?person={person}"),
            ("GET", f"/api/v1/recipients/{person}"),
        ):
            status, problem, _ = await marketing(method, path)
            assert (status, problem["code"]) == (403, "aggregates-only"), path
        preview = f"/api/v1/templates/{template}/preview"
        status, _, _ = await marketing("POST", preview, {"person_id": str(person)})
        assert status == 403
        assert (await marketing("POST", preview))[0] == 200
    finally:
        await marketing.close()


async def test_a_sales_representative_sees_messages_to_own_people_only(world: Any) -> None:
    me, other = new_id(), new_id()
    mine = await world.person("Mine", owner_id=str(me))
    theirs = await world.person("Theirs", owner_id=str(other))
    await world.person("Nobodys")
    broadcast, _ = await world.send({"everyone": True})
    permissions = {"campaigns.read", "campaigns.write", "contacts.write"}
    sales = world.ask.other(user_id=me, sees=OWN, owners=[me], permissions=permissions)
    try:
        _, body, _ = await sales("GET", f"/api/v1/broadcasts/{broadcast}/messages")
        assert {m["person"]["name"] for m in body["items"]} == {"Mine Reader", "Nobodys Reader"}
        _, body, _ = await sales("GET", f"/api/v1/messages?person={mine}")
        assert [m["broadcast"]["name"] for m in body["items"]] == ["Spring"]
        _, body, _ = await sales("GET", f"/api/v1/messages?person={theirs}")
        assert body["items"] == []
        path = f"/api/v1/recipients/{theirs}"
        assert (await sales("GET", path))[0] == 404
        assert (await sales("POST", f"{path}/unsubscribe", {}))[0] == 404
        _, counted, _ = await sales("POST", "/api/v1/audiences/count", {"everyone": True})
        assert counted["people"] == 2
        body = {"name": "My own", "template_id": await world.template()}
        status, made, _ = await sales(
            "POST", "/api/v1/broadcasts", {**body, "audience": {"everyone": True}}
        )
        assert status == 201
        await world.start(made["id"])
        assert (await world.finished(made["id"]))["audience"] == 2
    finally:
        await sales.close()


async def test_permissions_and_workspaces_are_kept_apart(world: Any) -> None:
    template = await world.template()
    reader = world.ask.other(permissions={"campaigns.read"})
    stranger = world.ask.other(workspace=new_id())
    try:
        status, problem, _ = await reader("POST", "/api/v1/templates", {})
        assert (status, problem["permission"]) == (403, "campaigns.write")
        assert (await stranger("GET", f"/api/v1/templates/{template}"))[0] == 404
        body = {"name": "x", "template_id": template, "audience": {"everyone": True}}
        assert (await stranger("POST", "/api/v1/broadcasts", body))[0] == 404
        _, listed, _ = await stranger("GET", "/api/v1/templates")
        assert listed["items"] == []
    finally:
        await reader.close()
        await stranger.close()


async def test_a_broadcast_keeps_to_its_order_of_things(world: Any) -> None:
    await world.person("Ada")
    template = await world.template()
    broadcast = await world.plan(template, {"everyone": True})
    path = f"/api/v1/broadcasts/{broadcast}"
    for verb in ("pause", "resume"):
        status, problem, _ = await world.ask("POST", f"{path}/{verb}")
        assert (status, "It is planned" in problem["detail"]) == (409, True)
    await world.start(broadcast)
    await world.start(broadcast)
    await world.finished(broadcast)
    status, problem, _ = await world.ask("POST", f"{path}/start")
    assert (status, "Plan a new broadcast" in problem["detail"]) == (409, True)
    given_up = await world.plan(template, {"everyone": True})
    status, _, _ = await world.ask("POST", f"/api/v1/broadcasts/{given_up}/cancel")
    assert status == 200
    status, _, _ = await world.ask("POST", f"/api/v1/broadcasts/{given_up}/start")
    assert status == 409
    _, listed, _ = await world.ask("GET", "/api/v1/broadcasts?status=finished")
    assert [item["id"] for item in listed["items"]] == [broadcast]


async def test_lists_are_paged(world: Any) -> None:
    for n in range(3):
        await world.person(f"Reader{n}")
    template = await world.template()
    broadcasts = [await world.plan(template, {"everyone": True}) for _ in range(3)]
    _, made, headers = await world.ask(
        "POST",
        "/api/v1/broadcasts",
        {"name": "last", "template_id": template, "audience": {"everyone": True}},
    )
    token = headers["Everlog-Token"]
    seen: list[str] = []
    path = "/api/v1/broadcasts?limit=2"
    following: str | None = ""
    while following is not None:
        cursor = f"&cursor={following}" if following else ""
        _, page, _ = await world.ask("GET", path + cursor, Everlog_Token=token)
        seen += [item["id"] for item in page["items"]]
        following = page["next"]
    assert seen == [made["id"], *reversed(broadcasts)]
    await world.start(broadcasts[0])
    await world.finished(broadcasts[0])
    ids: list[str] = []
    following = ""
    while following is not None:
        cursor = f"&cursor={following}" if following else ""
        _, page, _ = await world.ask(
            "GET", f"/api/v1/broadcasts/{broadcasts[0]}/messages?limit=1&status=sent{cursor}"
        )
        ids += [item["id"] for item in page["items"]]
        following = page["next"]
    assert len(set(ids)) == len(ids) == 3
    assert ids == sorted(ids)
