from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from jobs import ISOLATIONS

NET = """\
def layers(many):
    if many:
        return 100
    return 1
"""
TRAIN = """\
import src.net

def step(model):
    return model + src.net.layers(many=False)
"""
RUN = """\
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
import conftest
root = Path({root!r})
crew = conftest.crew.__wrapped__(root / "tmp")
files = {{name: (root / name).read_text() for name in ("train.py", "src/net.py")}}
work = "import train\\ndef work(model, n, site, hub): return train.step(model)"
outcome = crew(work, files=files, isolation={isolation!r}, source_roots=(root,))
assert outcome.status == "ok", outcome.errors
assert not list(root.rglob(".fedjob-coverage*"))
"""


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("settings", ["branch = true", "patch =\n    subprocess\n    fork\n    _exit"])
def test_coverage_sees_client_code_under_the_users_own_names(tmp_path, isolation, settings):
    (tmp_path / "src").mkdir()
    (tmp_path / "tmp").mkdir()
    (tmp_path / "src/net.py").write_text(NET)
    (tmp_path / "train.py").write_text(TRAIN)
    source = RUN.format(here=str(Path(__file__).parent), root=str(tmp_path), isolation=isolation)
    (tmp_path / "run.py").write_text(textwrap.dedent(source))
    (tmp_path / "rc").write_text(f"[run]\nsource = .\n{settings}\n")

    def coverage(*args):
        command = [sys.executable, "-m", "coverage", *args, "--rcfile=rc"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    ran = subprocess.run(
        [sys.executable, "-m", "coverage", "run", "--rcfile=rc", "run.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    coverage("combine")
    coverage("json", "-o", "out.json")
    files = json.loads((tmp_path / "out.json").read_text())["files"]
    assert files["train.py"]["missing_lines"] == []
    assert files["src/net.py"]["missing_lines"] == [3]
    assert not [name for name in files if "custom" in name and "double" not in name]
