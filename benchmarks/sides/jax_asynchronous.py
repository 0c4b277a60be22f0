"""JAX as `jax_jit`, but a step does not wait for its loss: Python runs ahead of the arithmetic."""

from benchmarks.sides.jax_jit import make_asynchronous as make

__all__ = ["make"]
