"""`python -m bridge` is `ocpp-twin`."""

from __future__ import annotations

import sys

from bridge.cli import main

sys.exit(main())
