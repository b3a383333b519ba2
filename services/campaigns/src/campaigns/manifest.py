"""Campaigns: templates, broadcasts, messages, and what recipients want; all it consists of."""

from __future__ import annotations

from campaigns.api import broadcasts as broadcasts_api
from campaigns.api import people as people_api
from campaigns.api import public as public_api
from campaigns.api import templates as templates_api
from campaigns.domain.broadcast import BROADCAST
from campaigns.domain.message import MESSAGE
from campaigns.domain.recipient import RECIPIENT
from campaigns.domain.template import TEMPLATE
from campaigns.reactions import DUES, REACTIONS
from campaigns.read_models import broadcasts, messages, recipients, subscriptions, templates
from campaigns.received import RECEIVED
from campaigns.sending.sender import send_mail
from campaigns.sending.standing import SCHEMA
from chassis.manifest import Manifest

MANIFEST = Manifest(
    "campaigns",
    deciders=(TEMPLATE, BROADCAST, MESSAGE, RECIPIENT),
    projections=(
        templates.PROJECTION,
        broadcasts.PROJECTION,
        messages.PROJECTION,
        recipients.PROJECTION,
        subscriptions.PROJECTION,
    ),
    reactions=REACTIONS,
    dues=DUES,
    received=RECEIVED,
    follows=("person", "company", "membership"),
    routers=(templates_api.router, broadcasts_api.router, people_api.router),
    public=(public_api.router,),
    workers=(send_mail,),
    schema=SCHEMA,
)
