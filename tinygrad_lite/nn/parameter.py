"""Parameter and Buffer: the tensors that belong to a module, trained or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_lite.tensor import Tensor, tick

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike


class Parameter(Tensor):
    """A tensor that a module trains: as an attribute of one it is found by ``parameters()``.

    Args:
        data: what ``tg.tensor`` takes; it is copied.
        requires_grad: False to hold it fixed.
        dtype: the NumPy dtype to convert to; by default that of the data.
        name: by default that of the attribute it is first assigned to.

    >>> from tinygrad_lite import nn
    >>> nn.Parameter([1.0, 2.0])
    parameter([1., 2.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(
        self,
        data: ArrayLike | Tensor,
        requires_grad: bool = True,
        dtype: DTypeLike | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(data, requires_grad, dtype, name)


class Buffer(Tensor):
    """A tensor that a module keeps and saves but does not train, such as a running mean.

    >>> from tinygrad_lite import nn
    >>> model = nn.Module()
    >>> model.steps = nn.Buffer(0)
    >>> list(model.state_dict()), list(model.parameters())
    (['steps'], [])
    """

    __slots__ = ()


def convert(tensor: Tensor, dtype: Any) -> None:
    """Change the dtype of a leaf and of its gradient in place: whoever holds it sees the change."""
    if tensor.dtype == dtype:
        return
    tensor._data = tensor._data.astype(dtype)
    tensor.order = tick()
    if tensor.grad is not None:
        tensor.grad = Tensor(tensor.grad, dtype=dtype)
