"""``python -m fedjob``: the command line."""

import sys

from fedjob.cli import main

sys.exit(main())
