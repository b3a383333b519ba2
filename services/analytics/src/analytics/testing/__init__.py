"""What tests of analytics are written with: stories, and a bench to ask KPIs on."""

from analytics.testing.bench import Bench, principal
from analytics.testing.story import Deal, Story, noon

__all__ = ["Bench", "Deal", "Story", "noon", "principal"]
