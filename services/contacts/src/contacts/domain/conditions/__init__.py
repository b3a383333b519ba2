"""Conditions about people: a tree of and, or, not over what is known of a person. Pure."""
