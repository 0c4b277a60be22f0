"""``tg.linalg``: norms, inverses, linear systems, determinants, factors, as in ``numpy.linalg``."""

from tinygrad_lite.hints import teach
from tinygrad_lite.ops.determinant import SlogdetResult, det, slogdet
from tinygrad_lite.ops.matrix import cholesky, inv, solve
from tinygrad_lite.ops.norm import norm

__all__ = ["SlogdetResult", "cholesky", "det", "inv", "norm", "slogdet", "solve"]

teach(globals(), __all__)
