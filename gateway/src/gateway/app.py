"""Puts the gateway together: the composed operations, the web UI, and the edge around both."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from chassis.http import problems
from chassis.http.middleware import Observed
from chassis.http.principal import Verifier
from gateway import events, health, imports, mails, openapi, ops
from gateway.backend import Backend
from gateway.edge import Edge, Numbered
from gateway.routing import API
from gateway.settings import GatewaySettings


class Gateway:
    """The parts of a running gateway. Endpoints find it as `request.app.state.service`."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        self.backend = Backend(settings.upstreams)
        self.verifier = Verifier.from_file(settings.secrets / "verify.pem")
        self.document = openapi.Document(self.backend, settings.public_url)
        self.readiness = health.Readiness(self.backend)


def make_own(gateway: Gateway) -> FastAPI:
    """The app behind the edge: what the gateway answers by itself, and the pages."""
    app = FastAPI(
        title="Everlog gateway", version="1", openapi_url=None, docs_url=None, redoc_url=None
    )
    app.state.service = gateway
    problems.install(app)
    app.include_router(health.router)
    app.include_router(openapi.router)
    for module in (imports, events, ops, mails):
        app.include_router(module.router, prefix=API)
    gateway.backend.own = app
    mount = _web()
    if mount is not None:
        mount(app, gateway.backend)
    return app


def make_app(gateway: Gateway) -> ASGIApp:
    """Everything the gateway listens with."""
    return Numbered(Observed(Edge(gateway.settings, gateway.backend, make_own(gateway))))


def _web() -> Callable[[FastAPI, Backend], Any] | None:
    """The web UI's entry, if this installation has the pages."""
    if importlib.util.find_spec("gateway.web") is None:
        return None
    mount: Callable[[FastAPI, Backend], Any] | None = getattr(
        importlib.import_module("gateway.web"), "mount", None
    )
    return mount
