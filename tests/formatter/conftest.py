"""How many examples the formatter's properties try."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

#: On every push: times the twenty properties of test_properties.py, 21,000 in all.
EXAMPLES_IN_CI = 1_050
EXAMPLES = 100

_COMMON = settings(
    deadline=None,  # a busy machine is not a slow formatter
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
_wanted = os.environ.get("HARKARA_EXAMPLES") or (
    EXAMPLES_IN_CI if os.environ.get("CI") else EXAMPLES
)

settings.register_profile("formatter-ci", _COMMON, max_examples=EXAMPLES_IN_CI)
settings.register_profile("formatter", _COMMON, max_examples=int(_wanted))
