"""Runs the contacts service."""

from __future__ import annotations

from chassis.runner import main
from contacts.manifest import MANIFEST
from contacts.settings import ContactsSettings

if __name__ == "__main__":
    main(MANIFEST, ContactsSettings)
