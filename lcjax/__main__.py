"""`python -m lcjax` is `lcjax`."""

import sys

from lcjax.cli.main import main

sys.exit(main())
