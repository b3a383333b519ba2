"""What is noted of a request: its route, never its path; its duration; its trace in the answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from prometheus_client import REGISTRY
from starlette.responses import Response, StreamingResponse

from chassis.http import problems
from chassis.http.middleware import Observed, shown_path
from chassis.ids import new_id

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
router = APIRouter()


@router.get("/people/{person_id}/tags/{tag}")
async def tag(person_id: str, tag: str) -> dict[str, str]:
    return {"person": person_id, "tag": tag}


@router.get("/live")
async def live() -> Response:
    async def events() -> Any:
        yield b"data: 1\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


@router.get("/broken")
async def broken() -> None:
    raise ValueError("Ada has no address")


def app() -> Observed:
    made = FastAPI()
    problems.install(made)
    made.include_router(router, prefix="/api/v1")
    return Observed(made)


async def ask(path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str]]:
    """Status and headers; what the app raises is raised here."""
    answered: dict[str, Any] = {}

    left = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Any:
        return next(left, None) or await asyncio.Event().wait()  # nobody hangs up

    async def send(message: Any) -> None:
        answered.update(message if message["type"] == "http.response.start" else {})

    sent = [(k.encode(), v.encode()) for k, v in headers.items()]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": sent,
    }
    await app()(scope, receive, send)
    return answered["status"], {k.decode(): v.decode() for k, v in answered["headers"]}


def counted(method: str, route: str, status: str) -> float:
    labels = {
        "http_request_method": method,
        "http_route": route,
        "http_response_status_code": status,
    }
    name = "http_server_request_duration_seconds_count"
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_an_answer_names_its_trace_and_its_request() -> None:
    parent = f"00-{TRACE}-00f067aa0ba902b7-00"
    _, headers = await ask(
        "/api/v1/people/7/tags/vip", traceparent=parent, **{"x-request-id": "r1"}
    )
    assert headers["traceresponse"].split("-")[1] == TRACE
    assert headers["x-request-id"] == "r1"


async def test_requests_are_counted_by_the_template_with_its_prefix() -> None:
    before = counted("GET", "/api/v1/people/{person_id}/tags/{tag}", "200")
    for person in (new_id(), new_id()):
        await ask(f"/api/v1/people/{person}/tags/vip")
    assert counted("GET", "/api/v1/people/{person_id}/tags/{tag}", "200") == before + 2


async def test_what_nobody_answers_and_methods_nobody_knows_are_one_series_each() -> None:
    before = counted("_OTHER", "unmatched", "404")
    await ask("/nowhere/ada@example.org", "ADA")
    await ask("/elsewhere", "LOVELACE")
    assert counted("_OTHER", "unmatched", "404") == before + 2


async def test_of_a_path_ids_alone_are_shown() -> None:
    person = str(new_id())
    parameters = {"path_params": {"person_id": person, "tag": "ada"}}
    shown = shown_path(parameters, "/people/{person_id}/tags/{tag}/{rest:path}")
    assert shown == f"/people/{person}/tags/{{tag}}/{{rest:path}}"


async def test_a_stream_of_events_lasts_until_it_begins() -> None:
    status, _ = await ask("/api/v1/live")
    assert status == 200
    assert counted("GET", "/api/v1/live", "200") == 1


async def test_a_request_that_broke_is_answered_and_not_told_twice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = counted("GET", "/api/v1/broken", "500")
    status, _ = await ask("/api/v1/broken")
    assert status == 500
    assert counted("GET", "/api/v1/broken", "500") == before + 1
    assert "unexpected error" in capsys.readouterr().out
