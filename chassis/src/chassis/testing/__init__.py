"""The testing kit: given/when/then, contract suites for the ports, contract files."""
