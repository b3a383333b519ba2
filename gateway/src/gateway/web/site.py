"""Puts the site together: pages, static files, and what is shown when something goes wrong."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from chassis.clock import SystemClock
from gateway.web.asking import Away, Refused
from gateway.web.pages import PAGES
from gateway.web.rendering import render
from gateway.web.static_files import serve, static_files
from gateway.web.visiting import NotSignedIn, People, go_to, refusal_notice

log = structlog.get_logger("web")


def mount(app: FastAPI, _backend: Any) -> None:
    """Answer with pages whatever the app has no other answer for."""
    if not static_files().complete:
        log.warning("the web assets are missing", do="run `npm ci` in gateway/")
    app.mount("/", make_site())


def make_site() -> FastAPI:
    """The site as an app of its own; requests carry their Caller as `everlog.caller`."""
    site = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    site.state.people = People()
    site.state.now = SystemClock().now
    site.router.routes.append(Route("/static/{version}/{name:path}", serve))
    for router in PAGES:
        site.include_router(router)
    site.add_exception_handler(NotSignedIn, _on_nobody)
    site.add_exception_handler(Refused, _on_refused)
    site.add_exception_handler(RequestValidationError, _on_bad_address)
    site.add_exception_handler(HTTPException, _on_http_error)
    site.add_exception_handler(Exception, _on_bug)
    return site


async def _on_nobody(request: Request, _: Exception) -> Response:
    wanted = request.url.path
    if request.headers.get("hx-request") == "true":
        wanted = request.headers.get("hx-current-url-path") or "/"
    elif request.url.query:
        wanted += f"?{request.url.query}"
    return go_to(
        request, f"/sign-in?next={quote(wanted, safe='/')}" if wanted != "/" else "/sign-in"
    )


async def _on_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    if error.status == 401:
        return await _on_nobody(request, error)
    if request.headers.get("hx-request") == "true":
        return refusal_notice(error)
    if isinstance(error, Away):
        return _page(error.status, "cloud-off", "Back in a moment", error.detail)
    if error.status == 404:
        return _page(404, "map-off", "Not here", error.detail)
    if error.status == 403:
        return _page(403, "lock", "Not for your role", error.detail)
    return _page(error.status, "alert-circle", error.title, error.detail)


async def _on_bad_address(request: Request, _: Exception) -> Response:
    return _problem(request, 404, "map-off", "Not here", "There is no page at this address.")


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return await _on_bad_address(request, error)
    return _problem(request, error.status_code, "alert-circle", "That did not work", error.detail)


async def _on_bug(request: Request, error: Exception) -> Response:
    log.error("a page broke", exc_info=error)
    told = "This page broke, and it is our fault. What you saved before is safe. Try again."
    return _problem(request, 500, "bug", "Something broke on our side", told)


def _problem(request: Request, status: int, shape: str, title: str, detail: str) -> Response:
    if request.headers.get("hx-request") == "true":
        return refusal_notice(Refused(status, {"title": title, "detail": detail}))
    return _page(status, shape, title, detail)


def _page(status: int, shape: str, title: str, detail: str) -> Response:
    html = render("error.html", shape=shape, title=title, detail=detail, status=status)
    return HTMLResponse(html, status, headers={"Cache-Control": "no-store"})
