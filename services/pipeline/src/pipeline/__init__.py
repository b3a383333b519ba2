"""Pipelines, deals, products and the board."""
