"""/livez, /readyz and /metrics, without a token, on every process."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from chassis.http.problems import problem
from chassis.measuring import exposition, of_service

router = APIRouter(include_in_schema=False)


@router.get("/livez")
async def livez() -> dict[str, str]:
    """The event loop turns."""
    return {"status": "alive"}


@router.get("/readyz", response_model=None)
async def readyz(request: Request) -> Response | dict[str, Any]:
    """The process can do its work: database, read models, worker tasks."""
    service: Any = request.app.state.service
    wrong = await service.not_ready()
    if wrong:
        told = "; ".join(wrong)
        return problem(503, "not-ready", "Not ready", told, extra={"reasons": wrong})
    return {"status": "ready", "service": service.manifest.service, "role": service.role}


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Prometheus."""
    told = exposition(await of_service(request.app.state.service))
    return Response(told, media_type=CONTENT_TYPE_LATEST)
