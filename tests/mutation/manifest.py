"""All mutants, in one literal table."""

from __future__ import annotations

from tests.mutation.log_guards import LOG_GUARDS
from tests.mutation.mutant import Mutant
from tests.mutation.people_guards import EDGE_GUARDS, ERASURE_GUARDS, SEGMENT_GUARDS
from tests.mutation.privacy_guards import PRIVACY_GUARDS
from tests.mutation.road_guards import (
    EFFECT_GUARDS,
    LANE_GUARDS,
    PARKING_GUARDS,
    REBUILD_GUARDS,
    RELAY_GUARDS,
)
from tests.mutation.turn_guards import TURN_GUARDS
from tests.mutation.undo_guards import UNDO_GUARDS

MUTANTS: tuple[Mutant, ...] = (
    *LOG_GUARDS,
    *RELAY_GUARDS,
    *LANE_GUARDS,
    *PARKING_GUARDS,
    *REBUILD_GUARDS,
    *EFFECT_GUARDS,
    *TURN_GUARDS,
    *ERASURE_GUARDS,
    *SEGMENT_GUARDS,
    *UNDO_GUARDS,
    *PRIVACY_GUARDS,
    *EDGE_GUARDS,
)
