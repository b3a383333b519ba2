"""What the contacts service answers: one file per question."""
