"""Sequential: modules one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, overload

from tinygrad_lite.nn.module import Module


class Sequential(Module):
    """Modules one after the other: each takes what the one before it returned.

    Args:
        layers: the modules, which are named by their positions, ``0``, ``1`` and so on; or one
            dict of modules by name.

    Its layers are the modules among its attributes. It has a length, can be iterated over, indexed
    and sliced; a slice is a Sequential of the same layers, named by their new positions.

    >>> from tinygrad_lite import nn
    >>> nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2))
    Sequential(
      (0): Linear(in_features=2, out_features=8, bias=True)
      (1): ReLU()
      (2): Linear(in_features=8, out_features=2, bias=True)
    )
    """

    def __init__(self, *layers: Module | Mapping[str, Module]) -> None:
        for layer in layers:
            if isinstance(layer, Mapping) and len(layers) == 1:
                for name, named in layer.items():
                    self._put(name, named)
            else:
                self.append(layer)  # type: ignore[arg-type]

    def forward(self, x: Any) -> Any:
        for layer in self:
            x = layer(x)
        return x

    def append(self, layer: Module) -> Sequential:
        """Put a module at the end, and return the Sequential."""
        self._put(str(len(self)), layer)
        return self

    def _put(self, name: str, layer: Any) -> None:
        if not isinstance(layer, Module):
            hint = "; make an instance of it" if isinstance(layer, type) else ""
            raise TypeError(f"Sequential takes modules, not {layer!r:.60}{hint}")
        if hasattr(self, name) or "." in name:
            raise ValueError(f"{name!r} cannot name a layer of a Sequential: take another name")
        setattr(self, name, layer)

    def __iter__(self) -> Iterator[Module]:
        return iter([layer for layer in vars(self).values() if isinstance(layer, Module)])

    def __len__(self) -> int:
        return len(list(iter(self)))

    @overload
    def __getitem__(self, index: int) -> Module: ...

    @overload
    def __getitem__(self, index: slice) -> Sequential: ...

    def __getitem__(self, index: int | slice) -> Module | Sequential:
        layers = list(self)
        return Sequential(*layers[index]) if isinstance(index, slice) else layers[index]
