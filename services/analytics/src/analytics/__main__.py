"""The analytics service: `python -m analytics api | worker | both | rebuild | stream`."""

import sys

if __name__ == "__main__":
    # The stream needs neither the service's HTTP nor its tables: they are not even imported for it.
    if sys.argv[1:] == ["stream"]:
        from analytics.stream import main

        main()
    else:
        from analytics.manifest import MANIFEST
        from chassis import runner

        runner.main(MANIFEST)
