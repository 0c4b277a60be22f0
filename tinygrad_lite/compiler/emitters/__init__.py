"""How each operation is written: one file for each family; importing them fills the table."""

from tinygrad_lite.compiler.emitters import (
    draws,
    elementwise,
    formulas,
    labels,
    normal,
    products,
    selection,
    softmax,
    views,
)

__all__ = [
    "draws",
    "elementwise",
    "formulas",
    "labels",
    "normal",
    "products",
    "selection",
    "softmax",
    "views",
]
