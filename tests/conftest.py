"""What every test needs."""

from __future__ import annotations

import os

# Before anything imports telegram: without it, RetryAfter warns when it is made.
os.environ.setdefault("PTB_TIMEDELTA", "1")
