import subprocess
import sys

import pytest

from lcjax.cli.main import main
from tests.pretrained.checkpoints import published_folder


def test_import(tmp_path, capsys):
    folder, arrays = published_folder(tmp_path / "s", "astromer1")
    assert main(["weights", "import", "astromer1", str(folder), "--out", str(tmp_path / "W")]) == 0
    printed = capsys.readouterr().out
    assert f"{sum(v.size for v in arrays.values()):,}" in printed and "base" in printed
    assert {p.name for p in (tmp_path / "W").iterdir()} == {"config.json", "weights.safetensors", "best"}


@pytest.mark.parametrize(
    "arguments,words",
    [
        (["import", "astromer1", "{}/nothing", "--out", "{}/W"], "no checkpoint"),
        (["import", "astromer9", "{}/s", "--out", "{}/W"], "there are astrom3, astromer1"),
        (["import", "astromer1", "{}/s", "--out", "{}/s"], "new or empty"),
        (["download", "zzz"], "published names"),
    ],
)
def test_sentences(tmp_path, capsys, arguments, words):
    published_folder(tmp_path / "s", "astromer1")
    assert main(["weights", *(a.format(tmp_path) for a in arguments)]) == 2
    said = capsys.readouterr().err
    assert words in said and "Traceback" not in said and said.count("\n") == 1
    assert not (tmp_path / "W").exists()


def test_list(capsys):
    assert main(["weights", "list"]) == 0
    printed = capsys.readouterr().out
    assert "astromer1-macho" in printed and "https://" in printed and "sha256" in printed


def test_import_loads_no_tensorflow(tmp_path):
    folder, _ = published_folder(tmp_path / "s", "astromer1")
    code = (
        "import sys; from lcjax.cli.main import main; "
        f"assert main(['weights', 'import', 'astromer1', {str(folder)!r}, '--out', {str(tmp_path / 'W')!r}]) == 0; "
        "assert not [m for m in sys.modules if m.split('.')[0] in ('tensorflow', 'tensorflow_datasets')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
