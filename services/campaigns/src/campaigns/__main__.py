"""Runs campaigns: `python -m campaigns api | worker | both | rebuild`."""

from __future__ import annotations

from campaigns.manifest import MANIFEST
from campaigns.settings import CampaignSettings
from chassis.runner import main

if __name__ == "__main__":
    main(MANIFEST, CampaignSettings)
