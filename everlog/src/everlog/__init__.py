"""Everlog operated: bring the platform up, watch it, take it down."""
