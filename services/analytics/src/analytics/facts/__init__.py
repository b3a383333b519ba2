"""One file per fact: which events make it, what its rows hold."""
