"""Who asks: the signed, short-lived token that identity issues and every service checks itself."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec
from fastapi import Request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from chassis.errors import Forbidden, Unauthenticated

ALGORITHM = "Ed25519"
ISSUER = "everlog-identity"
_KEPT = 5_000

INSTALLATION = "ops.installation"
"""What operators of the first workspace may beside `ops`: see to all workspaces' read models."""

ALL = "all"
OWN = "own"
AGGREGATE = "aggregate"


class _Claims(msgspec.Struct, frozen=True):
    """What a signed token has to say, each claim of its kind."""

    iss: str
    exp: int
    sub: UUID
    ws: UUID
    name: str
    role: str
    may: frozenset[str]
    sees: Literal["all", "own", "aggregate"]
    owners: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody (or something) that is signed in.

    `sees`: `all` records, only those of `owners` (`own`), or figures about groups (`aggregate`).
    """

    user_id: UUID
    workspace: UUID
    name: str
    role: str
    permissions: frozenset[str]
    sees: str = ALL
    owners: frozenset[UUID] = frozenset()

    def may(self, permission: str) -> bool:
        """Whether the role allows it."""
        return permission in self.permissions

    def visible_owners(self) -> frozenset[UUID] | None:
        """Whose records it may see; None: everybody's. Forbidden for aggregate-only roles."""
        if self.sees == ALL:
            return None
        if self.sees == AGGREGATE:
            raise Forbidden(
                f"The role {self.role} works with figures about groups, not with single records. "
                "Use segments, campaign results and KPIs, or ask an administrator for another "
                "role.",
                code="aggregates-only",
            )
        return self.owners


def sign(key: OKPKey, principal: Principal, *, now: float, lifetime_s: int) -> str:
    """A token for a principal, valid from now on."""
    claims = {
        "iss": ISSUER,
        "iat": int(now),
        "exp": int(now) + lifetime_s,
        "sub": str(principal.user_id),
        "ws": str(principal.workspace),
        "name": principal.name,
        "role": principal.role,
        "may": sorted(principal.permissions),
        "sees": principal.sees,
        "owners": [str(owner) for owner in sorted(principal.owners)],
    }
    return jwt.encode({"alg": ALGORITHM}, claims, key, algorithms=[ALGORITHM])


class Verifier:
    """Checks tokens with identity's public key; remembers those it has checked."""

    def __init__(self, key: OKPKey) -> None:
        self._key = key
        self._kept: OrderedDict[str, tuple[Principal, float]] = OrderedDict()

    @classmethod
    def from_file(cls, path: Path) -> Verifier:
        """Read the public key (PEM)."""
        return cls(OKPKey.import_key(path.read_bytes()))

    def verify(self, token: str) -> Principal:
        """The principal of a token. Raises Unauthenticated if it is forged or has expired."""
        kept = self._kept.get(token)
        if kept is None:
            kept = self._kept[token] = self._check(token)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        principal, expires = kept
        if expires <= time.time():
            del self._kept[token]
            raise Unauthenticated("The token has expired. Sign in again.", code="token-expired")
        return principal

    def _check(self, token: str) -> tuple[Principal, float]:
        try:
            decoded = jwt.decode(token, self._key, algorithms=[ALGORITHM])
            said = msgspec.convert(decoded.claims, _Claims)
        except (JoseError, ValueError, TypeError) as error:
            raise Unauthenticated(
                "The token cannot be read. Sign in again and send it as 'Authorization: Bearer …'."
            ) from error
        if said.iss != ISSUER:
            raise Unauthenticated("The token was not issued by this installation's identity.")
        principal = Principal(
            said.sub, said.ws, said.name, said.role, said.may, said.sees, said.owners
        )
        return principal, float(said.exp)


async def principal_of(request: Request) -> Principal:
    """Whoever sent the request; a dependency. Raises Unauthenticated."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated(
            "Send a token as 'Authorization: Bearer …'; POST /api/v1/sessions gives you one."
        )
    principal = request.app.state.service.verifier.verify(token.strip())
    request.scope["everlog.principal"] = principal
    return principal  # type: ignore[no-any-return]


def require(permission: str) -> Callable[[Request], Awaitable[Principal]]:
    """A dependency that lets only principals with a permission pass."""

    async def check(request: Request) -> Principal:
        principal = await principal_of(request)
        if not principal.may(permission):
            raise Forbidden(
                f"The role {principal.role} lacks the permission '{permission}'. "
                "Ask an administrator of your workspace.",
                permission=permission,
            )
        return principal

    return check
