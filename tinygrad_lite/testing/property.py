"""gradient_test: a property test of a function's gradients, in one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import Phase, given, settings, strategies as st

from tinygrad_lite.testing.check import check_grads
from tinygrad_lite.testing.program import arity
from tinygrad_lite.testing.strategies import broadcastable, op_inputs, unusual
from tinygrad_lite.testing.subject import Call, HandWritten, Recorded, describe


class Unusual(tuple[Any, ...]):
    """Arguments that a function need not take."""

    __slots__ = ()


def gradient_test(
    f: Callable[..., Any],
    inputs: Any = None,
    order: int = 2,
    *,
    name: str | None = None,
    **options: Any,
) -> Callable[[], None]:
    """A test function for pytest to collect: assign it to a name that starts with ``test``.

    Every example goes through :func:`check_grads`; what fails is shrunk, kept in Hypothesis's
    database under a key of the function and its inputs, and reported with a diagnosis.

    Args:
        f: what :func:`check_grads` takes.
        inputs: a strategy for tuples of arguments or for single arrays; or a signature such as
            ``"(m,k),(k,n)"``, see ``op_inputs``; by default arrays that broadcast with each other,
            one for each argument that ``f`` needs. Without a strategy there are ordinary arrays,
            where ``f`` must be defined, and others with zeros, ties, huge and tiny numbers,
            float32, long and empty axes, which it may refuse.
        order: the highest order of derivative.
        name: of the test, and of the function in messages.
        **options: of :func:`check_grads`.

    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.testing import gradient_test
    >>> test_tanh = gradient_test(tg.tanh)
    >>> test_tanh.__name__
    'test_gradients_of_tanh'
    >>> test_tanh()
    """
    known = name or describe(f)
    if inputs is None:
        count = arity(f)
        if not count:
            raise TypeError(f"{known} does not say how many arguments it needs: pass inputs=")
        inputs = broadcastable(count) | unusual(count).map(Unusual)
    elif isinstance(inputs, str):
        inputs = op_inputs(inputs) | unusual(inputs).map(Unusual)
    elif not isinstance(inputs, st.SearchStrategy):
        raise TypeError(
            f"inputs= takes a Hypothesis strategy or a signature, not {type(inputs).__name__}"
        )

    def test(point: Any) -> None:
        if isinstance(point, Unusual) and not defined(f, point, options):
            return
        check_grads(f, point, order, name=known, **options)

    title = "".join(c if c.isalnum() else "_" for c in known)
    test.__name__ = test.__qualname__ = f"test_gradients_of_{title}"
    test.__module__ = getattr(f, "__module__", None) or __name__
    test.__doc__ = f"The gradients of {known} have every property that check_grads knows."
    # Hypothesis tells tests apart by their source, which is the same for all that are made here.
    test._hypothesis_internal_add_digest = f"{title} {inputs!r}".encode()  # type: ignore[attr-defined]
    run: Callable[[], None] = given(point=inputs)(test)
    # Not settings(...)(run): that can be done once, and is the user's to do.
    run._hypothesis_internal_use_settings = brief(settings())  # type: ignore[attr-defined]
    return run


def brief(given: settings) -> settings:
    """The settings without what repeats a failure for long, or hides one report behind several.

    Nor is there a deadline: how long a point takes depends on how hard its derivatives are to find.
    """
    phases = [phase for phase in given.phases if phase is not Phase.explain]
    return settings(given, phases=phases, deadline=None, report_multiple_bugs=False)


def defined(f: Callable[..., Any], point: tuple[Any, ...], options: Mapping[str, Any]) -> bool:
    """Whether the function takes the arguments, and its value there is finite."""
    call = Call(f, point, options.get("attributes"), options.get("seed"))
    subject = HandWritten(call, options["vjp"]) if "vjp" in options else Recorded(call)
    try:
        return bool(np.isfinite(subject.value(call.arrays)).all())
    except Exception:  # whatever it raises to say so
        return False
