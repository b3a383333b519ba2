"""The questions the pipeline service answers, one file each."""
