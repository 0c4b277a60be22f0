"""Compilation: a traced call becomes straight-line NumPy source, which is run in its place."""

from tinygrad_lite.compiler.compiled import Compiled, compile
from tinygrad_lite.compiler.program import Error

__all__ = ["Compiled", "Error", "compile"]
