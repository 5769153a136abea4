"""A stage imports only from earlier stages (law 10), and only the name table knows FLARE's module names."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
#: In the order in which a job meets them; `job` is the door that exports and runs, so it comes late.
STAGES = (
    "errors", "hooks", "flare", "exchange", "folder", "result", "golden", "client", "components", "engines", "job", "recipe", "plugins", "cli",
)  # fmt: skip
#: These run inside FLARE, talk to it, or read what its users wrote: they name it on purpose.
FLARE_SPEAKERS = (
    "fedjob/flare/",
    "fedjob/engines/recorded/",
    "fedjob/engines/simulator",
    "fedjob/engines/deployment/",
    "fedjob/job/foreign",
)
#: These are run by an interpreter that has FLARE.
IN_FLARE = {"fedjob/engines/recorded/fedjob_recorder.py", "fedjob/engines/deployment/console.py"}
MODULES = sorted(p for package in ("fedjob", "pytest_fedjob") for p in (ROOT / package).rglob("*.py"))


def module_id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def runtime_imports(tree: ast.Module):
    """Absolute module names that a module imports at run time, wherever in its code."""
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def stage_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "fedjob" and len(parts) > 1 and parts[1] in STAGES else None


@pytest.mark.parametrize("path", MODULES, ids=module_id)
def test_imports_only_from_earlier_stages(path):
    relative = path.relative_to(ROOT)
    own = relative.with_suffix("").parts
    if own[0] == "pytest_fedjob" or len(own) < 2 or own[1] in {"__init__", "__main__"}:
        return  # the plugin is the last stage, fedjob/__init__.py re-exports all of them
    own_stage = own[1]
    imported = {s for m in runtime_imports(ast.parse(path.read_text())) if (s := stage_of(m))}
    later = {s for s in imported if STAGES.index(s) > STAGES.index(own_stage)}
    plugin = [m for m in runtime_imports(ast.parse(path.read_text())) if m.startswith("pytest_fedjob")]
    assert not later, f"{relative} (stage {own_stage}) imports from later stages {sorted(later)}"
    assert not plugin, f"{relative} imports the pytest plugin"


@pytest.mark.parametrize("path", MODULES, ids=module_id)
def test_only_the_name_table_spells_flare_names(path):
    relative = module_id(path)
    if relative.startswith(FLARE_SPEAKERS):
        return
    tree = ast.parse(path.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    spelled = [
        f"line {node.lineno}: {node.value}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith("nvflare.")
        and id(node) not in docstrings
    ]
    assert not spelled, f"{relative} spells FLARE's module names outside fedjob/flare: {spelled}"


def test_no_module_imports_a_heavy_library_at_import_time():
    heavy = {"torch", "tensorflow", "nvflare", "flwr", "sklearn", "lightning"}
    guilty = []
    for path in MODULES:
        if module_id(path) in IN_FLARE:
            continue
        for node in ast.parse(path.read_text()).body:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            guilty += [f"{module_id(path)}: {n}" for n in names if n.split(".")[0] in heavy]
    assert not guilty
