from __future__ import annotations

import tempfile

import pytest


@pytest.fixture(autouse=True)
def temporary(tmp_path_factory, monkeypatch):
    """The system's temporary directory: runs without a workspace keep theirs there."""
    path = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(path))
    return path
