"""What check_grads says of every planted bug, found out once."""

from __future__ import annotations

from functools import cache

import pytest

from benchmarks.planted_bugs import BUGS
from tinygrad_lite.testing import GradientError

NAMED = {bug.name: bug for bug in BUGS}


@cache
def error(name: str) -> GradientError:
    """The error that the bug of that name makes; a failure if it is not caught."""
    with pytest.raises(GradientError) as caught:
        NAMED[name].check()
    return caught.value
