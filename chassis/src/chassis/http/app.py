"""Makes a service's HTTP app."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from chassis.http import feed, health, ops, problems
from chassis.http.middleware import Observed

PREFIX = "/api/v1"


def make_app(
    service: Any, routers: Sequence[APIRouter], public: Sequence[APIRouter] = ()
) -> FastAPI:
    """The app of a service; the caller wraps it with `observed`. `public` go to the root."""
    app = FastAPI(
        title=f"Everlog {service.manifest.service}",
        version="1",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    problems.install(app)
    app.include_router(health.router)
    for router in (*routers, feed.router, ops.router):
        app.include_router(router, prefix=PREFIX)
    for router in public:
        app.include_router(router)
    return app


def observed(app: ASGIApp) -> ASGIApp:
    """The app with traces, metrics and logs around it."""
    return Observed(app)
