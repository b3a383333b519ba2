"""What campaigns answer questions from; every file is one question."""
