"""`python -m benchmarks [NAME] [options]`: runs one benchmark, or lists them."""

import importlib
import sys
from pathlib import Path

from lcjax.errors import LcjaxError
from lcjax.memory import keep_freed_memory


def names() -> dict[str, str]:
    """Benchmark name -> first line of its docstring, read without importing it."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        text = path.read_text()
        if path.stem != "__main__" and "\ndef main(" in text:
            found[path.stem] = text.split('"""')[1].splitlines()[0]
    return found


def main(argv: list[str]) -> int:
    """Runs `benchmarks.NAME.main(argv)`."""
    known = names()
    name = argv[0].replace("-", "_") if argv else ""
    if name not in known:
        print("usage: python -m benchmarks NAME [options]\n")
        print("\n".join(f"  {found:<14} {line}" for found, line in known.items()))
        return 0 if not argv or argv[0] in ("-h", "--help") else 2
    keep_freed_memory()
    try:
        return importlib.import_module(f"benchmarks.{name}").main(argv[1:]) or 0
    except LcjaxError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
