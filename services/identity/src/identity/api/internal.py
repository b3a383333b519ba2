"""For the gateway only: the signed token behind a session or API token. The gateway hides it."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from chassis.errors import BadInput
from identity.desk import SIGNED_FOR_S, Desk, desk_of

router = APIRouter(include_in_schema=False)

_BODY_MOST = 1024


class _Asked(msgspec.Struct):
    token: str


_read = msgspec.json.Decoder(_Asked)


@router.post("/internal/tokens")
async def exchange(request: Request, desk: Desk = Depends(desk_of)) -> Response:
    """Exchange it. Plain decoding instead of a model: every request of everybody waits for this."""
    try:
        asked = _read.decode((await request.body())[:_BODY_MOST])
    except msgspec.MsgspecError as error:
        raise BadInput("Send {token}.") from error
    signed = await desk.exchange(asked.token)
    who = signed.principal
    body = {
        "token": signed.token,
        "expires_at": signed.expires_at,
        "expires_in_s": SIGNED_FOR_S,
        "session": signed.session,
        "principal": {
            "user_id": who.user_id,
            "name": who.name,
            "role": who.role,
            "permissions": sorted(who.permissions),
            "sees": who.sees,
            "owners": sorted(who.owners),
            "workspace": who.workspace,
        },
    }
    return Response(msgspec.json.encode(body), media_type="application/json")
