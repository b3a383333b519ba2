"""A deal: one sale that moves through the stages of a pipeline until it is won or lost.

Pure: no I/O, no clock, no random. What happened may be entered later than it happened: opening,
moves, revaluations, closings and reopenings say when they were (`at`), and the deal keeps its
track, so that a closing dated in the past takes back what it overtakes.

events.py    what can have happened to a deal
commands.py  what can be asked of it
state.py     the deal as it stands, and how events lead there
decide.py    what a command leads to
"""

from pipeline.domain.deal.commands import (
    KEEP,
    AssignDeal,
    ChangeDeal,
    DealCommand,
    LoseDeal,
    MoveDeal,
    OpenDeal,
    RelinkDeal,
    ReopenDeal,
    RescheduleDeal,
    RetitleDeal,
    RevalueDeal,
    WinDeal,
)
from pipeline.domain.deal.decide import DEAL
from pipeline.domain.deal.events import (
    DealAssigned,
    DealEvent,
    DealLost,
    DealMoved,
    DealOpened,
    DealRelinked,
    DealReopened,
    DealRescheduled,
    DealRetitled,
    DealRevalued,
    DealWon,
    Line,
    Overtaken,
)
from pipeline.domain.deal.state import Closing, Deal, Position

__all__ = [
    "DEAL",
    "KEEP",
    "AssignDeal",
    "ChangeDeal",
    "Closing",
    "Deal",
    "DealAssigned",
    "DealCommand",
    "DealEvent",
    "DealLost",
    "DealMoved",
    "DealOpened",
    "DealRelinked",
    "DealReopened",
    "DealRescheduled",
    "DealRetitled",
    "DealRevalued",
    "DealWon",
    "Line",
    "LoseDeal",
    "MoveDeal",
    "OpenDeal",
    "Overtaken",
    "Position",
    "RelinkDeal",
    "ReopenDeal",
    "RescheduleDeal",
    "RetitleDeal",
    "RevalueDeal",
    "WinDeal",
]
