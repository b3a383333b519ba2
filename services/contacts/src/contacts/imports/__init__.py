"""What can be imported here, and how its rows become commands."""

from __future__ import annotations

from contacts.imports.companies import COMPANIES_KIND
from contacts.imports.people import PEOPLE_KIND
from contacts.imports.purchases import PURCHASES_KIND

KINDS = (PEOPLE_KIND, COMPANIES_KIND, PURCHASES_KIND)
"""Contacts, companies and purchases."""
