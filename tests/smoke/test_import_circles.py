"""Imports go one way: no module needs itself through others, imports inside of functions included."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("lcjax", "data_pipelines", "benchmarks")


def imports(node: ast.AST) -> Iterator[str]:
    """Full names that are imported anywhere in a module, but for types alone."""
    for part in ast.iter_child_nodes(node):
        if isinstance(part, ast.Import):
            yield from (alias.name for alias in part.names)
        elif isinstance(part, ast.ImportFrom) and part.module and not part.level:
            yield from (f"{part.module}.{alias.name}" for alias in part.names)
        elif isinstance(part, ast.If) and "TYPE_CHECKING" in ast.unparse(part.test):
            continue
        yield from imports(part)


def circle(root: Path) -> list[str]:
    """Modules below a root of which each imports the next, the last being the first; none: there is no circle."""
    files = {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for package in PACKAGES
        for path in root.glob(f"{package}/**/*.py")
    }
    needs = {}
    for module, path in files.items():
        named = imports(ast.parse(path.read_text()))
        found = {name if name in files else name.rpartition(".")[0] for name in named}
        needs[module] = (found & files.keys()) - {module}
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return error.args[1][::-1]
    return []


def test_there_is_no_circle():
    found = circle(ROOT)
    assert not found, f"circle of imports: {' -> '.join(found)}"


@pytest.mark.parametrize(
    ("second", "closed"),
    [
        ("def late():\n    from lcjax import first", True),
        ("def late():\n    try:\n        pass\n    finally:\n        from lcjax.first import value", True),
        ("class A:\n    def late(self):\n        with self:\n            import lcjax.first", True),
        ("if TYPE_CHECKING:\n    from lcjax import first", False),
        ("from lcjax import third", False),
    ],
)
def test_what_counts_as_a_circle(tmp_path, second, closed):
    (tmp_path / "lcjax").mkdir()
    for name, text in (("__init__", ""), ("first", "import lcjax.second"), ("second", second), ("third", "")):
        (tmp_path / "lcjax" / f"{name}.py").write_text(text)
    found = circle(tmp_path)
    assert bool(found) == closed
    assert not closed or set(found) == {"lcjax.first", "lcjax.second"}
