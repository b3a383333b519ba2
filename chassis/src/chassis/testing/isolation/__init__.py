"""Tries to get into another workspace: by every route of a service, and by SQL under its role."""

from chassis.testing.isolation.break_in import BreakIn

__all__ = ["BreakIn"]
