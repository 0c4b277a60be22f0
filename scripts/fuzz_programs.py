#!/usr/bin/env python
"""Compare random programs with PyTorch: values, all gradients, and second ones on a share.

A failure is printed as a small script that runs the program in both libraries; the seed and the
number of a program (``7:123``) draw it again:

    scripts/fuzz_programs.py --seed 7 --count 20000
    scripts/fuzz_programs.py --seed 7 --start 123 --count 1
    scripts/fuzz_programs.py --minutes 5
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def main() -> int:
    """Read the command line, run the programs, print what failed and a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, help="a new one is drawn otherwise, and printed")
    parser.add_argument("--start", type=int, default=0, help="the number of the first program")
    parser.add_argument("--count", type=int, help="how many; 10000 unless --minutes is given")
    parser.add_argument("--minutes", type=float, help="stop after this time")
    parser.add_argument(
        "--second-order", type=float, default=0.1, metavar="SHARE", help="compared to second order"
    )
    parser.add_argument("--failures", type=int, default=10, help="stop after so many")
    options = parser.parse_args()

    try:
        import torch
    except ImportError:
        parser.error("PyTorch is missing: scripts/setup torch")
    from tests.fuzz.campaign import report, run

    torch.set_num_threads(1)
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    count = options.count or (10**9 if options.minutes else 10_000)
    print(f"seed {seed}", flush=True)
    begun = time.monotonic()
    numbers = range(options.start, options.start + count)
    tally = run(seed, numbers, options.second_order, options.minutes, options.failures)
    for program, _ in tally.failures:
        print(report(program), end="\n\n", flush=True)
    print(*tally.table(), sep="\n")
    print(f"{time.monotonic() - begun:8.0f} seconds")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
