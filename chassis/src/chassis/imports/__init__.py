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
from chassis.imports.queueing import Upload, enqueue
from chassis.imports.router import import_router
from chassis.imports.schema import IMPORT_SCHEMA
from chassis.imports.undoing import can_be_taken_back, enqueue_undoing
from chassis.imports.watching import UPLOAD_S, job_of, jobs_of, refused_rows

__all__ = [
    "IMPORT_SCHEMA",
    "SEVERAL",
    "UPLOAD_S",
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
    "Upload",
    "can_be_taken_back",
    "enqueue",
    "enqueue_undoing",
    "import_router",
    "import_worker",
    "job_of",
    "jobs_of",
    "refused_rows",
]
