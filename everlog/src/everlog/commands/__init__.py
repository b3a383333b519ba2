"""One file per command of the operator."""
