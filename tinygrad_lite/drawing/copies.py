"""Where a leaf is shown again: beside readers far from its first, since long edges hide much."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def near_copies(
    reads: Iterable[tuple[str, str]], levels: Mapping[str, int], far: int
) -> dict[tuple[str, str], str]:
    """The key of the box that serves each reading of a leaf, from the first readers on.

    Args:
        reads: who is read by whom: keys, of which leaves are copied and others left out.
        levels: where the readers stand.
        far: how many levels one box can serve.

    >>> near_copies([("leaf0", "op1"), ("leaf0", "op9")], {"op1": 1, "op9": 9}, far=4)
    {('leaf0', 'op1'): 'leaf0', ('leaf0', 'op9'): 'leaf0_at_op9'}
    """
    serving: dict[str, tuple[int, str]] = {}
    copies = {}
    for leaf, reader in sorted(reads, key=lambda read: levels[read[1]]):
        if leaf.startswith("leaf"):
            level, key = serving.setdefault(leaf, (levels[reader], leaf))
            if levels[reader] - level > far:
                key = f"{leaf}_at_{reader}"
                serving[leaf] = levels[reader], key
            copies[leaf, reader] = key
    return copies
