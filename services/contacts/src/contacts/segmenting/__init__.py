"""Keeping up who is in which segment, as things happen and as time goes by."""
