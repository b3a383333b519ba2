"""To test the pipeline service with: deals and their lives, and a desk to work at over HTTP."""
