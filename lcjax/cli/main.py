"""`lcjax COMMAND ...`: finds the command's module, runs it, turns user errors into one sentence and exit code 2.

Commands are imported only when asked for, so `lcjax --help` answers at once.
"""

import importlib
import io
import os
import signal
import sys
import traceback

from lcjax.errors import LcjaxError, StorageError, unknown_name
from lcjax.memory import keep_freed_memory
from lcjax.version import __version__

_COMPUTING = ("train", "evaluate", "predict", "holdout", "search", "hunt", "label-bias")
"""Commands that keep freed memory (see `lcjax.memory`)."""
COMMANDS = {
    "train": "pretrain or fine-tune a preset; with no arguments, the main job on a simulated survey",
    "presets": "every system and published configuration: paper, data it wants, expected score",
    "data": "prepare survey files as verified shards; verify and describe them",
    "evaluate": "scores of a workdir or weights on held-out stars, with intervals",
    "predict": "embeddings (or what the model gives) for survey files",
    "weights": "list, download and import published weights",
    "hunt": "candidates of a night in the browser, ranked, to accept or reject",
    "export": "StableHLO and safetensors of a trained model",
    "features": "features of light curves, a table with one row a star",
    "holdout": "every class in turn the outlier: how well all anomaly detectors find it",
    "search": "the objects most alike in a table of embeddings, or across modalities",
    "outliers": "the most unusual objects, with their light curves on a page",
    "mislabels": "objects whose class is in doubt",
    "map": "embeddings on a plane, as an interactive page",
    "label-bias": "how much the labels of a catalogue depend on how well its objects were observed",
}

HELP = """usage: lcjax COMMAND [options]        (lcjax COMMAND --help tells more)

Time-domain astronomy in JAX: from survey files to results.

commands:
{commands}

options:
  --version   print the version and leave
  --debug     show the traceback of an error
"""


def help_text() -> str:
    """The page `lcjax --help` prints."""
    width = max(map(len, COMMANDS)) + 2
    return HELP.format(commands="\n".join(f"  {name:<{width}}{text}" for name, text in COMMANDS.items()))


def main(argv: list[str] | None = None) -> int:
    """Runs one command; returns the exit code (0 fine, 1 our bug, 2 the user's to mend, 130 interrupted)."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # names of files may be no text, as stderr knows already
        sys.stdout.reconfigure(errors="backslashreplace")
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [a for a in arguments if a != "--debug"]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(help_text())
        return 0
    if arguments[0] == "--version":
        print(f"lcjax {__version__}")
        return 0
    try:
        return _run(arguments[0], arguments[1:]) or 0
    except LcjaxError as error:
        return _fail(error, error.exit_code, debug)
    except BrokenPipeError:
        return 0
    except OSError as error:
        return _fail(_storage_error(error), StorageError.exit_code, debug)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 128 + signal.SIGINT


def _run(command: str, arguments: list[str]) -> int | None:
    if command not in COMMANDS:
        raise unknown_name("command", command, COMMANDS)
    if command in _COMPUTING:
        keep_freed_memory()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # TensorFlow only reads files here, and would announce it
    return importlib.import_module(f"lcjax.cli.{command.replace('-', '_')}").main(spell_switches(arguments))


def spell_switches(arguments: list[str]) -> list[str]:
    """Lets switches be given a value: `--model.parity True` for `--model.parity`, `False` for `--model.no-parity`.

    >>> spell_switches(["--model.parity", "True", "--report", "false", "--steps", "3"])
    ['--model.parity', '--no-report', '--steps', '3']
    """
    spelled: list[str] = []
    for argument in arguments:
        name = spelled[-1] if spelled else ""
        if argument.lower() not in ("true", "false") or not name.startswith("--") or "=" in name:
            spelled.append(argument)
        elif argument.lower() == "false":
            group, _, last = name[2:].rpartition(".")
            spelled[-1] = f"--{group}.no-{last}" if group else f"--no-{last}"
    return spelled


def _storage_error(error: OSError) -> LcjaxError:
    where = f" '{error.filename}'" if error.filename else ""
    return StorageError(f"the system refused a file operation on{where or ' a file'}: {error.strerror or error}")


def _fail(error: LcjaxError, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(f"lcjax: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
