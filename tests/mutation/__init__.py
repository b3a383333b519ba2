"""Every guard is taken out once, to see whether a test notices."""
