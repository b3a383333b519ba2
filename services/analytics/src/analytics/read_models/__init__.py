"""One file per question: what analytics knows of what facts are about; and the daily roll-up."""
