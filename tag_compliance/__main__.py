"""`python -m tag_compliance`: the same program as `tag-compliance`."""

import sys

from tag_compliance.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
