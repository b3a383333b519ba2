"""Runs the pipeline service: `python -m pipeline api | worker | both`."""

from chassis.runner import main
from pipeline.manifest import MANIFEST

if __name__ == "__main__":
    main(MANIFEST)
