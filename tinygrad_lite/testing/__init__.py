"""Property-based tests of gradients, for the library's operations and for its users' own."""

from importlib.util import find_spec
from typing import Any

from tinygrad_lite.testing.auditing import Audit, audit
from tinygrad_lite.testing.check import Report, check_grads
from tinygrad_lite.testing.differential import compare
from tinygrad_lite.testing.failure import GradientError
from tinygrad_lite.testing.modules import check_module
from tinygrad_lite.testing.optimizers import check_optimizer

_NEED_HYPOTHESIS = {
    "GraphMachine": "machine",
    "Program": "program",
    "arrays": "strategies",
    "broadcastable": "strategies",
    "gradient_test": "property",
    "matmul_operands": "strategies",
    "op_inputs": "strategies",
    "programs": "program",
    "tensors": "strategies",
}

__all__ = [
    "Audit",
    "GradientError",
    "Report",
    "audit",
    "check_grads",
    "check_module",
    "check_optimizer",
    "compare",
]


def _has_hypothesis() -> bool:
    try:
        return find_spec("hypothesis") is not None
    except ValueError:  # blocked by an entry of sys.modules
        return False


if _has_hypothesis():  # an import of * takes what there is
    __all__ += sorted(_NEED_HYPOTHESIS)


def __getattr__(name: str) -> Any:
    if name not in _NEED_HYPOTHESIS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        import_module("hypothesis")
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"{__name__}.{name} makes inputs with Hypothesis, which is not installed: "
            "pip install 'tinygrad_lite[testing]'"
        ) from None
    return getattr(import_module(f"{__name__}.{_NEED_HYPOTHESIS[name]}"), name)
