"""/livez, /readyz and /metrics of the gateway, without a token."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.core import Metric

from chassis.errors import Unavailable
from chassis.http.problems import problem
from chassis.measuring import exposition, gauge, of_process
from gateway.backend import Backend
from gateway.backend import Request as Sent
from gateway.routing import SERVICES

router = APIRouter(include_in_schema=False)

_KEPT_FOR_S = 0.5
_WAIT_S = 3.0


class Readiness:
    """Asks the services whether they are ready; not more than twice a second."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._told: tuple[float, dict[str, str]] = (0.0, {})
        self._lock = asyncio.Lock()

    async def not_ready(self) -> dict[str, str]:
        """Service → why it is not ready; empty if all of them are."""
        async with self._lock:
            at, wrong = self._told
            if time.monotonic() - at > _KEPT_FOR_S:
                states = await states_of(self._backend, essential(self._backend))
                wrong = {name: state["error"] for name, state in states.items() if state["error"]}
                self._told = (time.monotonic(), wrong)
            return wrong


def essential(backend: Backend) -> list[str]:
    """The services that this installation runs and that have to be there."""
    return [name for name in SERVICES if name in backend.upstreams]


async def states_of(backend: Backend, names: list[str]) -> dict[str, dict[str, Any]]:
    """For each service whether it is `ready`, `starting` or `down`, and why."""
    found = await asyncio.gather(*(_state_of(backend, name) for name in names))
    return dict(zip(names, found, strict=True))


async def _state_of(backend: Backend, name: str) -> dict[str, Any]:
    try:
        async with asyncio.timeout(_WAIT_S):
            answer = await backend.ask(name, Sent("GET", "/readyz"))
    except TimeoutError:
        return {"status": "down", "error": f"no answer within {_WAIT_S:.0f} s"}
    except Unavailable as error:
        return {"status": "down", "error": error.detail}
    if answer.ok:
        return {"status": "ready", "error": None}
    try:
        reason = str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        reason = f"it answered {answer.status}"
    return {"status": "starting", "error": reason}


@router.get("/livez")
async def livez() -> dict[str, str]:
    """The event loop turns."""
    return {"status": "alive"}


@router.get("/readyz", response_model=None)
async def readyz(request: Request) -> Response | dict[str, Any]:
    """All services are ready."""
    wrong = await request.app.state.service.readiness.not_ready()
    if wrong:
        told = "; ".join(f"{name}: {error}" for name, error in wrong.items())
        return problem(503, "not-ready", "Not ready", told, extra={"services": wrong})
    return {"status": "ready", "service": "gateway"}


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Prometheus."""
    gateway: Any = request.app.state.service
    ready = not await gateway.readiness.not_ready()
    told = of_process("gateway", "gateway", ready=ready) + _disk(gateway.settings.home)
    return Response(exposition(told), media_type=CONTENT_TYPE_LATEST)


def _disk(home: Path | None) -> list[Metric]:
    """The space where everything lies, if all of it is on this machine."""
    disk = shutil.disk_usage(home) if home is not None and home.is_dir() else None
    free, size = ([((), disk.free)], [((), disk.total)]) if disk else ([], [])
    return [
        gauge("everlog_disk_free_bytes", "Space left on the disk of EVERLOG_HOME.", (), free),
        gauge("everlog_disk_size_bytes", "Size of the disk of EVERLOG_HOME.", (), size),
    ]
