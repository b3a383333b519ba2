"""Disasters, and the way back, on a platform of their own."""
