"""Nothing is left without a test: a module has a test of its own name, or some test imports it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("lcjax", "data_pipelines", "benchmarks")
NO_CODE = ("__init__", "__main__")
"""A package is what its modules are; the smoke tests run the commands."""
HELPERS = ("builder_checks", "alert_checks")
"""What the tests beside the dataset builders share."""


def imports(path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, and of what it takes from them (which may be modules too)."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def untested(root: Path) -> list[str]:
    """Modules below a root that no test is about."""
    tests = [*root.glob("tests/**/*.py"), *root.glob("data_pipelines/**/*_test.py")]
    imported = {name for path in tests for name in imports(path)}
    names = {path.stem for path in tests}
    found = []
    for path in sorted(path for package in PACKAGES for path in root.glob(f"{package}/**/*.py")):
        module = ".".join(path.relative_to(root).with_suffix("").parts)
        beside = path.with_name(f"{path.stem}_test.py").exists()
        if path.stem in (*NO_CODE, *HELPERS) or path.stem.endswith("_test") or beside:
            continue
        if module not in imported and f"test_{path.stem}" not in names:
            found.append(module)
    return found


def test_every_module_has_a_test():
    lacking = untested(ROOT)
    assert not lacking, f"write tests/.../test_<name>.py, or import it in a test that is about it: {', '.join(lacking)}"


@pytest.mark.parametrize(
    ("test", "lacking"),
    [
        ("tests/test_other.py", ["lcjax.room.thing"]),
        ("tests/room/test_thing.py", []),
        ("tests/test_other.py:import lcjax.room.thing", []),
        ("tests/test_other.py:from lcjax.room import thing", []),
        ("tests/test_other.py:def test():\n    from lcjax.room.thing import value", []),
        ("tests/test_other.py:from lcjax.room import other", ["lcjax.room.thing"]),
        ("lcjax/room/thing_test.py", []),
    ],
)
def test_what_counts_as_tested(tmp_path, test, lacking):
    name, _, text = test.partition(":")
    for path, content in (("lcjax/room/__init__.py", ""), ("lcjax/room/thing.py", "value = 1"), (name, text)):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    assert untested(tmp_path) == lacking
