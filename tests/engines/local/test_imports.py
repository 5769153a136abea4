from __future__ import annotations

import importlib
import sys

from fedjob.engines.local.imports import HeldBack, OnImport


def test_the_call_comes_once_right_after_the_import(tmp_path, monkeypatch):
    (tmp_path / "watched_one.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    calls = []
    watch = OnImport({"watched_one": lambda name: calls.append((name, sys.modules[name].value))})
    watch.install()
    try:
        module = importlib.import_module("watched_one")
        importlib.import_module("watched_one")
    finally:
        watch.remove()
        del sys.modules["watched_one"]
    assert calls == [("watched_one", 1)]
    assert module.__spec__.loader is module.__loader__
    assert type(module.__loader__).__name__ == "SourceFileLoader"
    assert watch not in sys.meta_path


def test_a_module_held_back_is_the_one_that_the_first_import_brings(tmp_path, monkeypatch):
    package = tmp_path / "held_one"
    package.mkdir()
    (package / "__init__.py").write_text(
        "def __getattr__(name):\n    import held_one.part as part\n    return part\n"
    )
    (package / "part.py").write_text("from held_one.below import value\nruns = []\n")
    (package / "below.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        part = importlib.import_module("held_one.part")
        part.runs.append("loaded")
        spec = part.__spec__
        held = HeldBack("held_one.part")
        held.install()
        assert "held_one.part" not in sys.modules
        calls = []
        watch = OnImport({"held_one.part": calls.append})
        watch.install()
        try:
            assert sys.modules["held_one"].part is part  # by the package's __getattr__, as numpy has it.
            assert importlib.import_module("held_one.part") is part
        finally:
            watch.remove()
        assert calls == ["held_one.part"]
        assert part.runs == ["loaded"]
        assert part.__spec__ is spec
        assert part.__loader__ is spec.loader
        assert held not in sys.meta_path
    finally:
        for name in [name for name in sys.modules if name.startswith("held_one")]:
            del sys.modules[name]
