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
