from __future__ import annotations

import importlib
import sys

from fedjob.engines.local.imports import OnImport


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
