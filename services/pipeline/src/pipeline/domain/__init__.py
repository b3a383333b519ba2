"""What the pipeline service decides: pipelines, products, deals. Pure."""
