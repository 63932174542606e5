"""`python -m genviewer`: the same as the `genviewer` command."""

import sys

from genviewer.cli import main

sys.exit(main())
