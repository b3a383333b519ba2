"""Reads request bodies as they come, never more than allowed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from starlette.types import Message, Receive

from gateway.refusals import too_large

MOST = 2 * 1024 * 1024
MOST_IMPORT = 64 * 1024 * 1024


class Gone(Exception):
    """The client went away in the middle of its request."""


def limited(receive: Receive, most: int, announced: bytes | None) -> Receive:
    """`receive` that raises TooLarge beyond `most` bytes, at once if the length is announced."""
    if announced is not None and (not announced.isdigit() or int(announced) > most):
        raise too_large(most)
    taken = 0

    async def receive_limited() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > most:
                raise too_large(most)
        return message

    return receive_limited


async def whole(receive: Receive) -> bytes:
    """All of a body. Raises Gone."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        return message.get("body", b"")  # type: ignore[no-any-return]
    parts = [part async for part in _from(message, receive)]
    return b"".join(parts)


async def stream(receive: Receive) -> AsyncIterator[bytes]:
    """A body piece by piece. Raises Gone."""
    async for part in _from(await receive(), receive):
        yield part


async def _from(message: Any, receive: Receive) -> AsyncIterator[bytes]:
    while True:
        if message["type"] != "http.request":
            raise Gone
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return
        message = await receive()
