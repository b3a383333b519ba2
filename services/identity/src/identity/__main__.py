"""Runs identity: `python -m identity api | worker | both`."""

from __future__ import annotations

from chassis.runner import main
from identity.manifest import MANIFEST
from identity.settings import IdentitySettings

if __name__ == "__main__":
    main(MANIFEST, IdentitySettings)
