"""A company: where people work, and who buys.

Pure: no I/O, no clock, no random. Times and ids arrive inside the command.
"""

from contacts.domain.company.commands import AddCompany, ChangeCompany, CompanyProfile
from contacts.domain.company.decide import COMPANY
from contacts.domain.company.events import (
    COMPANY_EVENTS,
    CompanyAdded,
    CompanyAssigned,
    CompanyChangeUndone,
    CompanyEvent,
    CompanyIdentified,
    CompanyProfileChanged,
    CompanyRenamed,
)
from contacts.domain.company.state import Company, facts

__all__ = [
    "COMPANY",
    "COMPANY_EVENTS",
    "AddCompany",
    "ChangeCompany",
    "Company",
    "CompanyAdded",
    "CompanyAssigned",
    "CompanyChangeUndone",
    "CompanyEvent",
    "CompanyIdentified",
    "CompanyProfile",
    "CompanyProfileChanged",
    "CompanyRenamed",
    "facts",
]
