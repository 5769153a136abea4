"""What FLARE's own job validator and deprecations say, against our checks; on the FLARE that is installed."""

import ast
import io
import json
import os
import zipfile
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import pytest

from fedjob.flare import deprecated, shim
from fedjob.flare.releases import Release
from fedjob.folder.checks import check
from fedjob.folder.read import read

if not shim.real_flare() and os.environ.get("CI"):
    raise RuntimeError("nvflare must be installed under CI")
pytestmark = [
    pytest.mark.flare,
    pytest.mark.skipif(not shim.real_flare(), reason="nvflare is not installed here"),
]

EXPORTED = Path(__file__).parents[1] / "data" / "flare" / "2.9"
#: name of the case -> (exported job, changes of its meta data, files to leave out)
CASES = {
    "as exported": ("hello", {}, ()),
    "per site": ("per_site", {}, ()),
    "no site": ("hello", {"deploy_map": {"app": []}}, ()),
    "all and more": ("hello", {"deploy_map": {"app": ["@ALL", "site-1"]}}, ()),
    "all in other letters": ("hello", {"deploy_map": {"app": ["@all"]}}, ()),
    "no server": ("hello", {"deploy_map": {"app": ["site-1", "site-2"]}}, ()),
    "site twice": ("hello", {"deploy_map": {"app": ["server", "site-1", "site-1"]}}, ()),
    "sites and server": ("hello", {"deploy_map": {"app": ["server", "site-1", "site-2"]}}, ()),
    "zero clients": ("hello", {"min_clients": 0}, ()),
    "less than zero": ("hello", {"min_clients": -1}, ()),
    "very many clients": ("hello", {"min_clients": 1_000_001}, ()),
    "more clients than sites": ("per_site", {"min_clients": 3}, ()),
    "as many clients as sites": ("per_site", {"min_clients": 2}, ()),
    "mandatory": ("per_site", {"mandatory_clients": ["site-1"]}, ()),
    "mandatory, but not there": ("per_site", {"mandatory_clients": ["site-7"]}, ()),
    "resources": ("hello", {"resource_spec": {"site-1": {"num_of_gpus": 1}}}, ()),
    "resources that are none": ("hello", {"resource_spec": {"site-1": 1}}, ()),
    "no server configuration": ("hello", {}, ("app/config/config_fed_server.json",)),
    "no client configuration": ("hello", {}, ("app/config/config_fed_client.json",)),
}


def changed(tmp_path, name, changes, gone):
    folder = tmp_path / name
    for file in (EXPORTED / name).rglob("*"):
        relative = file.relative_to(EXPORTED / name)
        if file.is_file() and relative.as_posix() not in gone:
            (folder / relative).parent.mkdir(parents=True, exist_ok=True)
            (folder / relative).write_bytes(file.read_bytes())
    meta = folder / "meta.json"
    meta.write_text(json.dumps({**json.loads(meta.read_text()), **changes}))
    return folder


def verdict(folder):
    """True when FLARE's validator takes the job."""
    from nvflare.private.fed.server.job_meta_validator import JobMetaValidator

    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder.parent))
    good, _, _ = JobMetaValidator().validate(folder.name, data.getvalue())
    return good


@pytest.mark.parametrize("case", CASES)
def test_a_job_is_refused_by_flare_exactly_when_a_check_finds_an_error(tmp_path, case):
    folder = changed(tmp_path, *CASES[case])
    errors = [f.code for f in check(read(folder), "2.9") if f.severity == "error"]
    assert verdict(folder) is (errors == []), errors


# ---------------------------------------------------------------------------------- deprecations


def marked(root):
    """Modules and names in the installed package whose source says that they are deprecated."""
    for file in sorted((root / "app_common").rglob("*.py")) + sorted((root / "client").rglob("*.py")):
        source = file.read_text(encoding="utf-8")
        if "eprecat" not in source:
            continue
        module = ".".join(["nvflare", *file.relative_to(root).with_suffix("").parts])
        for node in ast.parse(source).body:
            if isinstance(node, ast.Expr) and "FutureWarning" in ast.unparse(node):
                yield module
            elif isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                words = [ast.unparse(d) for d in node.decorator_list]
                body = ast.unparse(node) if isinstance(node, ast.ClassDef) else ""
                if any(w.startswith("deprecated(") for w in words) or "warn_deprecated(" in body:
                    yield f"{module}.{node.name}"


def test_what_the_installed_flare_calls_deprecated_is_known():
    try:
        release = Release.of(version("nvflare"))
    except PackageNotFoundError:
        pytest.skip("nvflare is not installed here")
    root = Path(find_spec("nvflare").origin).parent
    theirs = set(marked(root))
    assert {path for path in theirs if deprecated.instead_of(path, release) is None} == set()
    # The Client API's own names stand for the decorators' module.
    ours = {
        p
        for p in [*deprecated.MODULES, *deprecated.NAMES]
        if p not in {"nvflare.client.train", "nvflare.client.evaluate"}
    }
    assert {path for path in ours if deprecated.instead_of(path, release)} == theirs
