"""The pipeline service's table of contents."""

from __future__ import annotations

from chassis.imports import IMPORT_SCHEMA, import_router, import_worker
from chassis.manifest import Manifest
from pipeline.api import ROUTERS
from pipeline.domain.deal import DEAL
from pipeline.domain.pipeline import PIPELINE
from pipeline.domain.product import PRODUCT
from pipeline.imports import KINDS
from pipeline.reactions import DESIGN_FIRST_PIPELINE
from pipeline.read_models.deal_board import DEAL_BOARD
from pipeline.read_models.deal_changes import DEAL_CHANGES
from pipeline.read_models.deal_list import DEAL_LIST
from pipeline.read_models.deal_record import DEAL_RECORD
from pipeline.read_models.known_companies import KNOWN_COMPANIES
from pipeline.read_models.known_people import KNOWN_PEOPLE
from pipeline.read_models.known_users import KNOWN_USERS
from pipeline.read_models.known_workspaces import KNOWN_WORKSPACES
from pipeline.read_models.pipelines import PIPELINES
from pipeline.read_models.products import PRODUCTS
from pipeline.received import RECEIVED

MANIFEST = Manifest(
    "pipeline",
    deciders=(PIPELINE, PRODUCT, DEAL),
    projections=(
        PIPELINES,
        PRODUCTS,
        DEAL_LIST,
        DEAL_RECORD,
        DEAL_BOARD,
        DEAL_CHANGES,
        KNOWN_WORKSPACES,
        KNOWN_USERS,
        KNOWN_PEOPLE,
        KNOWN_COMPANIES,
    ),
    reactions=(DESIGN_FIRST_PIPELINE,),
    received=RECEIVED,
    follows=("workspace", "user", "person", "company"),
    routers=(*ROUTERS, import_router(KINDS)),
    workers=(import_worker(KINDS),),
    schema=IMPORT_SCHEMA,
)
