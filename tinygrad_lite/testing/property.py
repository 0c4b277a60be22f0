"""gradient_test: a property test of a function's gradients, in one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import Phase, given, reject, settings, strategies as st

from tinygrad_lite.testing.call import Call, generator_kept
from tinygrad_lite.testing.check import check_grads
from tinygrad_lite.testing.signatures import arity, describe
from tinygrad_lite.testing.strategies import broadcastable, large, op_inputs, unusual
from tinygrad_lite.testing.subject import HandWritten, Recorded


class Unusual(tuple[Any, ...]):
    """Arguments that a function need not take."""

    __slots__ = ()


def gradient_test(
    f: Callable[..., Any],
    inputs: Any = None,
    order: int = 2,
    *,
    attributes: Any = None,
    name: str | None = None,
    **options: Any,
) -> Callable[[], None]:
    """A test function for pytest to collect: assign it to a name that starts with ``test``.

    Every example goes through :func:`check_grads`; what fails is shrunk, kept in Hypothesis's
    database under a key of the function and its inputs, and reported with a diagnosis.

    More examples, say, are had by ``settings(max_examples=1000, deadline=None)(test_f)``: what is
    not named there is Hypothesis's own default, and its deadline of 0.2 seconds is short.

    Args:
        f: what :func:`check_grads` takes.
        inputs: a strategy for tuples of arguments or for single arrays; or a signature such as
            ``"(m,k),(k,n)"``, see ``op_inputs``; by default arrays that broadcast with each other,
            one for each argument that ``f`` needs. Without a strategy there are ordinary arrays,
            where ``f`` must be defined, and others with zeros, ties, huge and tiny numbers,
            float32, many elements, four axes, long and empty ones, which it may refuse.
        order: the highest order of derivative.
        attributes: keyword arguments of ``f``: a dict, a sequence of them, or a strategy. Of
            several, those that ``f`` does not take together with an input are left out there.
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
        inputs = points(broadcastable(count), count)
    elif isinstance(inputs, str):
        inputs = points(op_inputs(inputs), inputs)
    elif not isinstance(inputs, st.SearchStrategy):
        raise TypeError(
            f"inputs= takes a Hypothesis strategy or a signature, not {type(inputs).__name__}"
        )

    several = not (attributes is None or isinstance(attributes, dict))
    if several and not isinstance(attributes, st.SearchStrategy):
        attributes = st.sampled_from(list(attributes))

    def test(point: Any, chosen: Any) -> None:
        taken = {**options, "attributes": chosen}
        if (several or isinstance(point, Unusual)) and not defined(f, point, taken):
            if several:
                reject()
            return
        check_grads(f, point, order, name=known, **taken)

    title = "".join(c if c.isalnum() else "_" for c in known)
    test.__name__ = test.__qualname__ = f"test_gradients_of_{title}"
    test.__module__ = getattr(f, "__module__", None) or __name__
    test.__doc__ = f"The gradients of {known} have every property that check_grads knows."
    # Hypothesis tells tests apart by their source, which is the same for all that are made here.
    test._hypothesis_internal_add_digest = f"{title} {inputs!r}".encode()  # type: ignore[attr-defined]
    run: Callable[[], None] = given(
        point=inputs, chosen=attributes if several else st.just(attributes)
    )(test)
    # Not settings(...)(run): that can be done once, and is the user's to do.
    run._hypothesis_internal_use_settings = brief(settings())  # type: ignore[attr-defined]
    return run


@st.composite
def points(draw: st.DrawFn, ordinary: st.SearchStrategy[Any], like: int | str) -> Any:
    """Ordinary points in half of all cases, unusual ones, and now and then a large one."""
    other = draw(st.booleans())  # first: Hypothesis is fond of what short examples end with
    point = draw(ordinary)  # in any case, so that failures shrink to it
    if not other:
        return point
    return Unusual(draw(large(like) if draw(st.integers(0, 4)) == 4 else unusual(like)))


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
        with generator_kept():
            return bool(np.isfinite(subject.value(call.arrays)).all())
    except Exception:  # whatever it raises to say so
        return False
