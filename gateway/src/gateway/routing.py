"""Which service answers which path: a literal table, nothing by accident. Pure."""

from __future__ import annotations

from collections.abc import Mapping

API = "/api/v1"

PREFIXES: Mapping[str, str] = {
    # identity
    "sessions": "identity",
    "me": "identity",
    "users": "identity",
    "teams": "identity",
    "roles": "identity",
    "api-tokens": "identity",
    "workspace": "identity",
    "workspaces": "identity",
    "sign-ins": "identity",
    # contacts
    "contacts": "contacts",
    "companies": "contacts",
    "changes": "contacts",
    "tags": "contacts",
    "purchases": "contacts",
    "segments": "contacts",
    "consents": "contacts",
    "exports": "contacts",
    "breach": "contacts",
    "retention": "contacts",
    # pipeline
    "deals": "pipeline",
    "board": "pipeline",
    "pipelines": "pipeline",
    "products": "pipeline",
    # campaigns
    "templates": "campaigns",
    "merge-fields": "campaigns",
    "broadcasts": "campaigns",
    "audiences": "campaigns",
    "messages": "campaigns",
    "recipients": "campaigns",
    # analytics
    "kpis": "analytics",
    "live": "analytics",
}
"""The first word after /api/v1 → the service that owns it."""

COMPOSED = frozenset({"imports", "events", "ops"})
"""First words that every service knows; the gateway answers them by asking several."""

PUBLIC: Mapping[str, str] = {"t": "campaigns", "u": "campaigns"}
"""First words at the root that need no token: tracking links, unsubscribing."""

SERVICES = tuple(dict.fromkeys(PREFIXES.values()))
"""The services the gateway cannot do without."""

IMPORT_TYPES: Mapping[str, str] = {
    "contacts": "contacts",
    "companies": "contacts",
    "purchases": "contacts",
    "deals": "pipeline",
    "products": "pipeline",
    "users": "identity",
}
"""What can be imported → the service that takes it."""

CATEGORIES: Mapping[str, str] = {
    "workspace": "identity",
    "user": "identity",
    "team": "identity",
    "person": "contacts",
    "company": "contacts",
    "purchase": "contacts",
    "merging_rule": "contacts",
    "segment": "contacts",
    "membership": "contacts",
    "saved_view": "contacts",
    "default_view": "contacts",
    "export": "contacts",
    "retention_rule": "contacts",
    "own_field": "contacts",
    "pipeline": "pipeline",
    "product": "pipeline",
    "deal": "pipeline",
    "template": "campaigns",
    "broadcast": "campaigns",
    "message": "campaigns",
    "recipient": "campaigns",
}
"""The kind of a stream → the service whose log holds it."""

_ENCODED = ("%2f", "%5c", "%00")


def word_of(path: str) -> str:
    """The first word after /api/v1: `/api/v1/deals/7` → `deals`; empty for any other path."""
    if not path.startswith("/api/v1/"):
        return ""
    return path[8:].partition("/")[0]


def is_plain(raw_path: str) -> bool:
    """Whether a path means what it says: no dot segments, no encoded separators."""
    lowered = raw_path.lower()
    if any(code in lowered for code in _ENCODED) or "\\" in lowered or "//" in lowered:
        return False
    return not any(s in (".", "..") for s in lowered.replace("%2e", ".").split("/"))
