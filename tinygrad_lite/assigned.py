"""Whether a number is asked for by an assignment: ``array[0] = t`` calls ``float(t)``."""

from __future__ import annotations

import sys
from dis import opmap


def by_assignment() -> bool:
    """Whether the code that called the caller of this function is at ``something[...] = ...``.

    Only CPython shows which instruction its frames are at; elsewhere the answer is no.
    """
    if sys.implementation.name != "cpython":
        return False
    frame = sys._getframe(2)
    at, code = frame.f_lasti, frame.f_code.co_code
    return 0 <= at < len(code) and code[at] == opmap.get("STORE_SUBSCR")
