"""The manifests of all services, in the order of the house."""

from __future__ import annotations

from importlib import import_module

from chassis.manifest import Manifest
from everlog.services import SERVICES


def all_manifests() -> tuple[Manifest, ...]:
    """Every service's table of contents."""
    return tuple(import_module(f"{name}.manifest").MANIFEST for name in SERVICES)
