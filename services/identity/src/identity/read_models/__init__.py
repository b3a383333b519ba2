"""What identity answers questions from."""
