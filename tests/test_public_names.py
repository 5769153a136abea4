"""What `fedjob` offers is what it says it offers."""

import ast
import inspect
import subprocess
import sys

import fedjob


def test_every_public_name_loads_from_its_home():
    for name in fedjob.__all__:
        assert getattr(fedjob, name).__name__ == name
    assert sorted(fedjob.__all__) == fedjob.__all__
    assert set(fedjob.__all__) < set(dir(fedjob))


def test_type_checkers_see_the_same_names():
    tree = ast.parse(inspect.getsource(fedjob))
    (typing_only,) = [n for n in tree.body if isinstance(n, ast.If)]
    seen = {alias.name: node.module for node in typing_only.body for alias in node.names}
    assert seen == {name: f"fedjob.{home}" for name, home in fedjob._HOMES.items()}


def test_the_package_and_the_plugin_import_nothing_heavy():
    code = (
        "import sys, fedjob, pytest_fedjob.plugin; heavy = ('numpy', 'torch', 'tensorflow', 'nvflare', 'greenlet');"
        "print([m for m in sys.modules if m.split('.')[0] in heavy or m.startswith('fedjob.engines')])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
