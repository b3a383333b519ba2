"""What people may ask for: all that is kept of them, and to be erased, with a certificate."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from gateway.web.visiting import Visiting

router = APIRouter(prefix="/contacts")


@router.get("/{contact_id}/export.zip")
async def export(visit: Visiting, contact_id: str) -> Response:
    """Everything that is kept of a person, to be handed over."""
    answer = await visit.api.ask("GET", f"/contacts/{contact_id}/export")
    names = ("Content-Disposition", "Content-Type", "Cache-Control")
    return Response(answer.body, headers={name: answer.headers[name] for name in names})


@router.get("/{contact_id}/erase")
async def ask_erase(visit: Visiting, contact_id: str) -> Response:
    """The question before somebody is erased."""
    record = await visit.api.get(f"/contacts/{contact_id}")
    return visit.page("contacts/erase.html", record=record)


@router.post("/{contact_id}/erase")
async def erase(visit: Visiting, contact_id: str) -> Response:
    """Erase a person for good."""
    await visit.api.post(f"/contacts/{contact_id}/erase", {})
    return visit.done(go=f"/contacts/{contact_id}/erased")


@router.get("/{contact_id}/erased")
async def erased(visit: Visiting, contact_id: str) -> Response:
    """What an erasure left: when, by whom, and that nothing can be read any more."""
    document = await visit.api.get(f"/contacts/{contact_id}/certificate")
    return visit.page(
        "contacts/erased.html",
        stated=document["certificate"],
        key=document["public_key"]["kid"],
        names=await visit.names(),
        contact_id=contact_id,
    )


@router.get("/{contact_id}/certificate.json")
async def certificate(visit: Visiting, contact_id: str) -> Response:
    """The certificate, to be kept."""
    document: Any = await visit.api.get(f"/contacts/{contact_id}/certificate")
    content = msgspec.json.format(msgspec.json.encode(document), indent=2)
    name = f"erasure-{contact_id}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, headers=headers, media_type="application/json")
