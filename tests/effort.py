"""How much a call does, counted instead of timed: the same on every machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def effort(act: Callable[[], Any]) -> int:
    """How many instructions of Python's machine ``act()`` takes."""
    count = 0

    def watch(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        act()
    finally:
        sys.settrace(before)
    return count


def growth(work: Callable[[int], int]) -> float:
    """How the cost of 200 more compares with that of 100 more: twice if it grows linearly."""
    few, more, many = (work(n) for n in (100, 200, 400))
    return (many - more) / (more - few)


def calls(act: Callable[[], Any]) -> int:
    """How many functions of Python ``act()`` calls, other than itself and NumPy's, once warm."""
    count = 0

    def watch(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        own = frame.f_globals.get("__name__", "").partition(".")[0] != "numpy"
        count += event == "call" and own

    act()
    act()
    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        act()
    finally:
        sys.setprofile(before)
    return count - 1
