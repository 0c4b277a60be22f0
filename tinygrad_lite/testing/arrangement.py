"""Whether the layout of the inputs in memory makes a difference, which it must not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

from tinygrad_lite.testing.case import Case, frozen
from tinygrad_lite.testing.findings import (
    Finding,
    beyond_rounding,
    close,
    contradiction,
    difference,
    farthest,
)
from tinygrad_lite.testing.layouts import LAYOUTS, Array, arrange, described


def layouts_agree(case: Case) -> Iterator[Finding]:
    """Fortran order, strides, negative and zero strides give what contiguous arrays give."""
    arrays = [*case.arrays, case.cotangent]
    for layouts in _combinations(arrays, alone=case.subject.order == 1):
        *arranged, cotangent = [arrange(a, layout) for a, layout in zip(arrays, layouts)]
        twin = _contiguous(case, arranged, cotangent) if "zero stride" in layouts else case
        if twin is None:
            continue
        got_value = np.asarray(case.subject.value(arranged))
        if farthest(got_value, twin.value, np.abs(twin.value), close(case)) is not None:
            where = described(layouts, case.subject.labels)
            yield contradiction(case, f"the value is another one for {where}", layouts=layouts)
        else:
            got = case.pull(cotangent, arranged)
            yield from islice(_same_gradients(case, twin, got, layouts), 1)


def _combinations(arrays: list[Array], alone: bool) -> Iterator[tuple[str, ...]]:
    """Each layout for all arrays alike, then perhaps for one of them among contiguous ones."""
    for layout in LAYOUTS:
        other = [arrange(a, layout).strides != a.strides for a in arrays]
        if any(other):
            yield (layout,) * len(arrays)
        for i in np.flatnonzero(other) if alone and len(arrays) > 1 else ():
            yield tuple(layout if i == k else "C" for k in range(len(arrays)))


def _contiguous(case: Case, arrays: list[Array], cotangent: Array) -> Case | None:
    """The case of the same values in contiguous arrays; None outside of the domain."""
    dense = [a.copy() for a in arrays]
    try:
        twin = Case(case.subject, dense, case.given_tolerance)
    except Exception:  # values that are all alike may be outside of the domain
        return None
    if twin.value.shape != cotangent.shape or not twin.inside_domain:
        return None
    twin.cotangent = frozen(cotangent.copy())
    return twin


def _same_gradients(
    case: Case, twin: Case, got: list[Array], layouts: tuple[str, ...]
) -> Iterator[Finding]:
    where = described(layouts, case.subject.labels)
    for slot, (label, g, h) in enumerate(zip(case.subject.labels, got, twin.gradients)):
        index = beyond_rounding(twin, slot, twin.cotangent, g, h, np.abs(h))
        if index is not None:
            yield difference(
                case,
                f"the gradient of {label} is another one for {where}",
                g,
                h,
                index,
                argument=label,
                layouts=layouts,
                diagnosis="the rule assumes one layout of memory, such as contiguous arrays",
            )
