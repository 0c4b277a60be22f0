"""The house keeps its own rules: imports point one way, public names are meant, doors are light."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import ops

PACKAGE = Path(tg.__file__).parent

# What each part may import from the package, besides itself. The engine may use operations, and
# tensor.py binds them at its bottom.
ALLOWED = {
    "mode": set(),
    "graph": set(),
    "tree": set(),
    "random": {"tensor", "primitive", "ops"},
    "hints": set(),
    "assigned": set(),
    "tensor": {"assigned", "backward", "hints", "mode", "ops", "primitive"},
    "primitive": {"hints", "mode", "tensor"},
    "ops": {"hints", "primitive", "tensor", "mode", "random", "linalg"},
    "linalg": {"hints", "ops"},
    "backward": {"graph", "mode", "ops", "tensor"},
    "transforms": {"graph", "ops", "backward", "mode", "tensor", "tree"},
    "data": {"random"},
    "optim": {"tensor", "mode", "graph", "backward"},
    "nn": {"graph", "hints", "mode", "ops", "primitive", "random", "tensor"},
}
NEVER_NN = ("optim", "drawing", "compiler", "ops", "data")


def part_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path):
    """The parts of the package that a module imports, at any depth."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{a.name}" for a in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "tinygrad_lite" and len(parts) > 1:
                yield parts[1]


MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p.name != "__init__.py" or p.parent != PACKAGE)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    part = part_of(path)
    found = set(imports(path)) - {part, "__version__"}
    if part in ALLOWED:
        assert found <= ALLOWED[part], f"{part} imports {sorted(found - ALLOWED[part])}"
    if part in NEVER_NN:
        assert "nn" not in found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_every_module_says_in_one_sentence_what_it_is_for(path):
    doc = ast.get_docstring(ast.parse(path.read_text()))
    assert doc, f"{path.name} has no docstring"
    first = doc.split("\n\n")[0]
    assert first.endswith("."), first


def test_operations_are_exported_once_and_exist():
    assert sorted(set(ops.__all__)) == sorted(ops.__all__)
    for name in ops.__all__:
        assert getattr(tg, name) is getattr(ops, name)
        assert getattr(ops, name).__doc__, name


def test_names_of_numpy_are_dispatched():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    for function in (np.exp, np.sum, np.mean, np.sqrt, np.tanh):
        result = function(x)
        assert isinstance(result, tg.Tensor)
        assert result.requires_grad
    assert np.concatenate([x, np.ones(1)]).requires_grad
    with pytest.raises(TypeError, match=r"numpy\.spacing has no gradient rule"):
        np.spacing(x)
    with pytest.raises(TypeError, match=r"numpy\.histogram has no gradient rule"):
        np.histogram(x)
    with pytest.raises(TypeError, match="would lose the gradient"):
        np.exp(x, out=np.zeros(2))


def test_micrograds_way_of_stepping_works_on_arrays_too():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    x.data -= 0.1 * x.grad
    assert x.tolist() == [0.8, 1.6]
    array = np.ones(2)
    with pytest.raises(TypeError, match="would lose the gradient"):
        array += x


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()


def test_importing_needs_numpy_alone():
    heavy = ["graphviz", "hypothesis", "tqdm", "matplotlib", "safetensors", "torch", "pooch"]
    loaded = run("import sys, tinygrad_lite; print(*sys.modules)")
    assert not set(heavy) & set(loaded)


def test_an_unknown_name_is_an_attribute_error_with_numpys_name_for_pytorchs():
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        tg.nonsense  # noqa: B018
    with pytest.raises(AttributeError, match=r"use tg\.concatenate"):
        tg.cat  # noqa: B018
    with pytest.raises(AttributeError, match="use reshape"):
        tg.ones(2).view(1, 2)


def test_public_names_are_there_and_documented():
    assert len(set(tg.__all__)) == len(tg.__all__)
    assert set(tg.__all__) <= set(dir(tg))
    for name in tg.__all__:
        assert getattr(tg, name).__doc__, name
