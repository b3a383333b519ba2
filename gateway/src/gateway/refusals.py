"""What only a gateway refuses: too large a body, too slow a service."""

from __future__ import annotations

from typing import ClassVar

from chassis.errors import DomainError


class TooLarge(DomainError):
    """The body is larger than this path takes."""

    status: ClassVar[int] = 413
    code: ClassVar[str] = "too-large"
    title: ClassVar[str] = "The request is too large"


class TooSlow(DomainError):
    """A service took the request and did not answer in time."""

    status: ClassVar[int] = 504
    code: ClassVar[str] = "too-slow"
    title: ClassVar[str] = "No answer in time"


def too_large(most: int) -> TooLarge:
    """The refusal of a body of more than `most` bytes."""
    return TooLarge(
        f"At most {most // (1024 * 1024)} MB are taken here. Split what you send, e.g. a file into "
        "several imports.",
        most_bytes=most,
    )


def too_slow(service: str) -> TooSlow:
    """The refusal to wait any longer for a service."""
    return TooSlow(
        f"The service {service} did not answer in time. What you sent may still be carried out: "
        "look before you send it again, or send it with the same Idempotency-Key.",
        service=service,
    )
