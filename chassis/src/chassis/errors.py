"""The error tree: everything Everlog raises on purpose.

EverlogError
├── DomainError              the caller can act on it; the edge answers with problem+json
│   ├── BadInput             422  the request is malformed
│   ├── Unauthenticated      401  nobody we know is asking
│   ├── Forbidden            403  known, but the role does not allow it
│   ├── NotFound             404  no such thing in this workspace
│   ├── Conflict             409  the state of the thing forbids it
│   ├── StaleVersion         412  somebody else wrote first
│   ├── PreconditionRequired 428  the write needs an If-Match
│   ├── TooManyRequests      429  slow down; carries retry_after_s
│   └── Unavailable          503  not now; carries retry_after_s
└── Fault                    a process has to react to it, not a caller
    ├── Fenced               another process took over; whoever sees this must stop writing
    ├── Lost                 a topic does not hold any more what was published to it
    ├── Tampered             the hash chain or a stored event does not verify
    ├── TooOld               a server of a version that lacks what is needed
    ├── WrongKey             the master key is not the one the database was made with
    ├── UnknownEvent         a wire name nobody here can read
    └── Poison               an event that cannot be applied; its sequence gets parked
"""

from __future__ import annotations

from typing import Any, ClassVar


class EverlogError(Exception):
    """Root of everything raised on purpose."""


class DomainError(EverlogError):
    """Something the caller can act on.

    `code` is stable and becomes the problem's `type`; `extra` holds further members of the problem.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad-request"
    title: ClassVar[str] = "The request cannot be carried out"

    def __init__(self, detail: str, *, code: str | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.problem = code or self.code
        self.extra = extra


class BadInput(DomainError):
    """The request is malformed; `errors` lists what and where (JSON pointers)."""

    status = 422
    code = "bad-input"
    title = "The request is malformed"


class Unauthenticated(DomainError):
    """Nobody we know is asking."""

    status = 401
    code = "unauthenticated"
    title = "Sign in first"


class Forbidden(DomainError):
    """The caller is known, but the role does not allow it."""

    status = 403
    code = "forbidden"
    title = "Your role does not allow this"


class NotFound(DomainError):
    """There is no such thing in this workspace (or the caller may not know of it)."""

    status = 404
    code = "not-found"
    title = "Not found"


class Conflict(DomainError):
    """The state of the thing forbids it."""

    status = 409
    code = "conflict"
    title = "The present state forbids this"


class StaleVersion(DomainError):
    """Somebody else wrote first: reload, look, try again."""

    status = 412
    code = "stale-version"
    title = "Somebody else changed this in the meantime"


class PreconditionRequired(DomainError):
    """The write needs to say which version it means."""

    status = 428
    code = "precondition-required"
    title = "Say which version you mean"


class TooManyRequests(DomainError):
    """Slow down; `retry_after_s` says for how long."""

    status = 429
    code = "too-many-requests"
    title = "Too many requests"

    def __init__(self, detail: str, *, retry_after_s: int, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.retry_after_s = retry_after_s


class Unavailable(DomainError):
    """Not now; `retry_after_s` says when to try again."""

    status = 503
    code = "unavailable"
    title = "Not available right now"

    def __init__(self, detail: str, *, retry_after_s: int = 1, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.retry_after_s = retry_after_s


class Fault(EverlogError):
    """A process has to react to it, not a caller."""


class Fenced(Fault):
    """Another process took over; whoever sees this must stop writing and start again."""


class Lost(Fault):
    """A topic does not hold any more what was published to it: it has to be filled again."""


class Tampered(Fault):
    """The hash chain or a stored event does not verify."""


class TooOld(Fault):
    """A server is of a version that lacks what is needed."""


class WrongKey(Fault):
    """The master key is not the one the database was made with: it would open nothing there."""


class UnknownEvent(Fault):
    """A wire name nobody here can read."""


class Poison(Fault):
    """An event that cannot be applied: its sequence gets parked."""
