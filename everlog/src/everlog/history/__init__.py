"""The log as files: what is read of it, from where, and how it is written down."""
