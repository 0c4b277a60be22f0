"""The command line: `python -m benchmarks [steps | memory | imports | chain]`."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.threads import default_threads, limit_threads

RESULTS = Path(__file__).parent / "results"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark asked for; 1 if any side computed something else than the others."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        limit_threads(options.threads)
        options.results.mkdir(parents=True, exist_ok=True)
    except (ValueError, OSError) as error:  # now, rather than after an hour of measuring
        parser.error(str(error))

    # Everything else is imported only now: numerical libraries read the thread limit when loaded.
    from benchmarks import commands

    return commands.COMMANDS[options.command](options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures training steps here and in the other libraries that are installed.",
    )
    parser.add_argument(
        "command",
        nargs="?",
        default="steps",
        choices=("steps", "memory", "imports", "chain"),
        help="what to measure: whole training steps (default), the peak memory of a step, the "
        "time of imports, or a chain of very many operations",
    )
    parser.add_argument(
        "--threads", type=int, default=default_threads(), help="for all sides (%(default)s)"
    )
    parser.add_argument("--problems", nargs="+", metavar="NAME", default=(), help="only these")
    parser.add_argument("--sides", nargs="+", metavar="NAME", default=(), help="only these sides")
    parser.add_argument("--skip", nargs="+", metavar="NAME", default=(), help="not these sides")
    parser.add_argument(
        "--fast-start", action="store_true", help="skip the sides that take long to compile"
    )
    parser.add_argument("--samples", type=_count, default=15, help="rounds (%(default)s)")
    parser.add_argument(
        "--seconds", type=_duration, default=0.05, help="length of a sample (%(default)s)"
    )
    parser.add_argument(
        "--results", type=Path, default=RESULTS, metavar="FOLDER", help="where to write the files"
    )
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return number


def _duration(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"must be a positive number of seconds, got {text}")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
