"""Promises about imports and start-up that users notice first."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(code: str, **more) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_lcjax_loads_nothing_heavy():
    heavy = "('tensorflow', 'tensorflow_datasets', 'orbax', 'data_pipelines')"
    assert run(f"import lcjax, sys; print([m for m in {heavy} if m in sys.modules])") == "[]"


def test_every_public_name_is_there_and_tensorflow_free():
    code = (
        "import lcjax, sys\n"
        "for name in lcjax.__all__: getattr(lcjax, name)\n"
        "import lcjax.training.loop, lcjax.systems.loading, lcjax.models.astromer, lcjax.systems.astromer.task\n"
        "print([m for m in ('tensorflow', 'tensorflow_datasets', 'data_pipelines') if m in sys.modules])"
    )
    assert run(code) == "[]"


def test_help_needs_no_numerics():
    code = (
        "import sys\nfrom lcjax.cli.main import main\nmain(['--help'])\n"
        "assert not [m for m in ('jax', 'numpy', 'tyro', 'rich', 'tensorflow') if m in sys.modules]"
    )
    assert "train" in run(code)


def test_a_wrong_command_is_one_sentence_and_exit_code_2():
    done = subprocess.run(
        [sys.executable, "-m", "lcjax", "trian"], capture_output=True, text=True, cwd=ROOT, timeout=120
    )
    assert done.returncode == 2
    assert "did you mean 'train'" in done.stderr
    assert "Traceback" not in done.stderr


def test_presets_are_listed_with_what_they_are():
    done = subprocess.run(
        [sys.executable, "-m", "lcjax", "presets"], capture_output=True, text=True, cwd=ROOT, timeout=120
    )
    assert done.returncode == 0
    for name in ("astromer1", "astromer2", "astromer2-small"):
        assert name in done.stdout


def test_every_module_can_be_imported():
    code = (
        "import importlib, pkgutil, lcjax, data_pipelines, benchmarks\n"
        "for package in (lcjax, data_pipelines, benchmarks):\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        if not module.name.endswith('__main__'): importlib.import_module(module.name)\n"
    )
    run(code)
