"""Drawing: a Graphviz digraph that shows itself in notebooks and prints as text without dot."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from copy import copy
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import graphviz

ADVICE = (
    "pictures are laid out by Graphviz, whose program 'dot' was not found. Install it: on Debian "
    "and Ubuntu 'sudo apt install graphviz'; on macOS 'brew install graphviz'; on Windows 'winget "
    "install graphviz', then open a new terminal. Without it, print(picture) draws with text"
)
PATIENCE = 4.0  # seconds that dot may take for a careful layout
PLAIN = 400  # statements; what has fewer is laid out in less than that
FORMATS = (".svg", ".png", ".pdf", ".jpg", ".jpeg", ".gif", ".webp", ".eps", ".ps")  # endings
HASTY = {"nslimit": "0.1", "nslimit1": "0.1", "mclimit": "0.1"}  # less careful, so that it ends

D = TypeVar("D", bound="Drawing")


class Drawing(graphviz.Digraph):  # type: ignore[misc]  # graphviz comes without types
    """What pictures have in common: files and notebooks by Graphviz, and text where it is missing.

    Subclasses say in ``__str__`` how they look as text.
    """

    _ready = ""  # the source that dot is known to lay out in time, or was told to hurry with

    def _prepare(self) -> None:
        """Make sure of ``dot``, and ask it for less care where a large picture takes it too long.

        Without it nothing is begun, so that no file of source is left behind.
        """
        if shutil.which("dot") is None:
            raise RuntimeError(ADVICE)
        if len(self.body) <= PLAIN or self._ready == self.source:
            return
        try:
            subprocess.run(
                ["dot", "-Tdot"], input=self.source.encode(), capture_output=True, timeout=PATIENCE
            )
        except subprocess.TimeoutExpired:
            self.attr("graph", splines="line", **HASTY)  # curves can take it minutes
        self._ready = self.source

    def copy(self: D) -> D:
        """The same picture, to be changed on its own."""
        twin = copy(self)
        twin.body = list(self.body)
        return twin

    def render(self, filename: str | PathLike[str] | None = None, *args: Any, **kwargs: Any) -> str:
        """Write the picture to a file, as ``graphviz.Digraph.render`` does.

        A name that ends in a format of pictures, such as ``network.png``, says which one to write,
        unless ``format`` does.

        Raises:
            RuntimeError: if Graphviz's program ``dot`` is not installed.
        """
        self._prepare()
        if filename is not None and kwargs.keys().isdisjoint(("format", "outfile")):
            path = Path(filename)
            if path.suffix.lower() in FORMATS:
                filename, kwargs["format"] = path.with_suffix(""), path.suffix.lower()[1:]
        return str(super().render(filename, *args, **kwargs))

    def pipe(self, *args: Any, **kwargs: Any) -> Any:
        """The picture as bytes or text, as ``graphviz.Digraph.pipe`` gives it.

        Raises:
            RuntimeError: if Graphviz's program ``dot`` is not installed.
        """
        self._prepare()
        return super().pipe(*args, **kwargs)

    def _repr_mimebundle_(
        self,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        **_: Any,
    ) -> dict[str, Any]:
        wanted = {"image/svg+xml", "text/plain"} if include is None else set(include)
        wanted -= set(exclude or ())
        bundle: dict[str, Any] = {}
        if "text/plain" in wanted:
            bundle["text/plain"] = str(self)
        drawn = wanted - {"text/plain"}
        if drawn and shutil.which("dot"):
            bundle |= super()._repr_mimebundle_(include=drawn)
        return bundle
