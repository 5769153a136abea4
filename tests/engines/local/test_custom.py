from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fedjob.engines.local import custom
from fedjob.engines.local.custom import Custom, Originals, same_source, top_names, user_traceback

NET = """
def layers():
    return 3

def fail():
    raise ValueError("in the user's code")
"""
SCRIPT = """
import sys
import src.net
print(__name__, __file__, sys.argv, src.net.layers())
me = sys.modules["__main__"]
assert me.__dict__ is globals()
"""


@pytest.fixture
def repo(tmp_path, monkeypatch):
    """A user's repository and the custom folder of a site, with the same files."""
    for root in ("repo", "ws/custom"):
        (tmp_path / root / "src").mkdir(parents=True)
        (tmp_path / root / "src/net.py").write_text(NET)
        (tmp_path / root / "train.py").write_text(SCRIPT)
    here = Custom(Originals([tmp_path / "repo"]), [tmp_path / "ws/custom"])
    custom.enter(here)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "ws/custom")])
    yield tmp_path
    custom.leave(here)
    for name in [name for name in sys.modules if name.split(".")[0] == "src"]:
        del sys.modules[name]
    assert not [path for path in sys.path_importer_cache if path.startswith(str(tmp_path / "ws"))]


def test_a_module_is_compiled_under_the_name_of_the_original_but_keeps_its_own_file(repo):
    from src import net

    assert net.__file__ == str(repo / "ws/custom/src/net.py")
    assert net.layers.__code__.co_filename == str(repo / "repo/src/net.py")
    assert not list((repo / "ws").rglob("__pycache__"))


def test_a_copy_that_differs_from_the_original_keeps_its_own_name(repo):
    (repo / "repo/src/net.py").write_text(NET + "# changed since the export\n")
    from src import net

    assert net.layers.__code__.co_filename == str(repo / "ws/custom/src/net.py")


def test_a_script_runs_as_main_with_its_arguments_and_everything_is_put_back(repo, capsys):
    main, argv = sys.modules["__main__"], sys.argv
    script = repo / "ws/custom/train.py"
    custom.run_script(script, ["--rounds", "2"])
    assert capsys.readouterr().out == f"__main__ {script} {[str(script), '--rounds', '2']} 3\n"
    assert sys.modules["__main__"] is main
    assert sys.argv is argv


def test_what_a_script_raises_comes_out_and_points_at_the_users_file(repo):
    script = repo / "ws/custom/train.py"
    for root in ("repo", "ws/custom"):
        (repo / root / "train.py").write_text("import src.net\nsrc.net.fail()\n")
    with pytest.raises(ValueError, match="in the user's code") as caught:
        custom.run_script(script)
    caught.value.__traceback__ = caught.tb.tb_next  # without this test's own frame, which an engine has not.
    lines = user_traceback(caught.value).splitlines()
    assert lines[1] == f'  File "{repo}/repo/train.py", line 2, in <module>'
    assert any(line.startswith(f'  File "{repo}/repo/src/net.py", line 6, in fail') for line in lines)
    assert "custom.py" not in "\n".join(lines)


def test_sys_exit_in_a_script_is_raised(repo):
    (repo / "ws/custom/train.py").write_text("import sys; sys.exit(3)")
    with pytest.raises(SystemExit) as caught:
        custom.run_script(repo / "ws/custom/train.py")
    assert caught.value.code == 3


def test_a_script_from_elsewhere_is_its_own_original(repo, capsys):
    (repo / "repo/elsewhere.py").write_text("print(__file__, __name__)\nraise ValueError('here')\n")
    with pytest.raises(ValueError, match="here") as caught:
        custom.run_script(repo / "repo/elsewhere.py")
    assert capsys.readouterr().out == f"{repo}/repo/elsewhere.py __main__\n"
    assert caught.traceback[-1].path == repo / "repo/elsewhere.py"


def test_an_installed_module_is_not_shadowed(repo):
    (repo / "ws/custom/json.py").write_text("raise AssertionError")
    (repo / "ws/custom/colorsys.py").write_text("raise AssertionError")
    sys.modules.pop("colorsys", None)
    import colorsys

    assert colorsys.rgb_to_hsv


def test_top_names_and_same_source(repo):
    assert top_names(repo / "ws/custom") == {"src", "train"}
    assert top_names(repo / "nothing") == set()
    from src import net

    assert same_source(net, repo / "repo")
    (repo / "repo/src/net.py").write_text("other")
    assert not same_source(net, repo / "repo")
    assert same_source(sys.modules["src"], repo / "repo")
    assert not same_source(sys.modules["src"], Path("/nowhere"))
