"""HTTP on top of the road: one way to write, one way to read, one shape of errors."""
