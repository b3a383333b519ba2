"""Workspaces, users, teams, sign-in and tokens."""
