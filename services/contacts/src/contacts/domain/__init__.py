"""What the contacts service decides: people and companies. Pure."""
