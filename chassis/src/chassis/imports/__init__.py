"""Imports: files in, events out. A service declares kinds; this runs them.

Every row ends as created, updated, skipped or failed, and none is lost or done twice: the rows'
outcome, the run's position and the events of a chunk are one transaction.
"""

from chassis.imports.engine import import_worker
from chassis.imports.model import (
    SEVERAL,
    Change,
    Create,
    Fail,
    ImportField,
    ImportKind,
    ImportRow,
    ImportRun,
    Joined,
    Outcome,
    Preset,
    Remove,
    Skip,
    Update,
)
from chassis.imports.router import import_router
from chassis.imports.schema import IMPORT_SCHEMA
from chassis.imports.undoing import can_be_taken_back

__all__ = [
    "IMPORT_SCHEMA",
    "SEVERAL",
    "Change",
    "Create",
    "Fail",
    "ImportField",
    "ImportKind",
    "ImportRow",
    "ImportRun",
    "Joined",
    "Outcome",
    "Preset",
    "Remove",
    "Skip",
    "Update",
    "can_be_taken_back",
    "import_router",
    "import_worker",
]
