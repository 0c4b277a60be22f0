"""Property-based tests of gradients, for the library's operations and for its users' own."""

from tinygrad_lite.testing.check import Report, check_grads
from tinygrad_lite.testing.failure import GradientError

__all__ = [
    "GradientError",
    "Report",
    "check_grads",
]
