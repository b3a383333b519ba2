"""Time zones as this machine knows them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from chassis.errors import BadInput


def check_zone(name: str) -> str:
    """The name, if it is one of a time zone. Raises BadInput."""
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError) as error:
        raise BadInput(
            f"There is no time zone {name!r}. Write it like Europe/Berlin or UTC.",
            errors=[{"pointer": "#/time_zone", "detail": "is no time zone"}],
        ) from error
