"""Run the corpus on real FLARE and on ours, and say how the two exports compare."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import venv
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HERE = Path(__file__).parent
#: The user's repository that the corpus is described in.
USER = HERE.parent / "data" / "exporter"
VERSIONS = {"2.5": "2.5.2", "2.6": "2.6.3", "2.7": "2.7.3", "2.8": "2.8.3", "2.9": "2.9.0"}
#: Other patch levels to compare with, e.g. 2.7.2,2.8.0.
VERSIONS |= {
    patch.rpartition(".")[0]: patch
    for patch in os.environ.get("FEDJOB_FLARE_PATCHES", "").replace(",", " ").split()
}
#: What an environment needs beside FLARE to describe the corpus; "tensorflow-cpu" describes the rest of it.
MORE = os.environ.get("FEDJOB_FLARE_EXTRAS", "").split()
EXTRAS = ("numpy", "torch==2.13.0", *MORE)
UUID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

#: Where ours exports what FLARE cannot, on purpose: (job, release) -> reason.
OURS_ONLY = {
    ("file_source", "2.6"): "FLARE 2.6 adds a file before it has made custom/, and fails",
    ("swarm", "2.7"): "FLARE 2.7.3 compares None with 0 in SwarmServerController, and fails",
    (
        "fedavg_job_keras",
        "2.7",
    ): "FLARE 2.7's FedAvgJob of TensorFlow passes its name as a checkpoint, and fails",
    (
        "fedavg_job_keras",
        "2.8",
    ): "FLARE 2.8's FedAvgJob of TensorFlow passes its name as a checkpoint, and fails",
    ("stats_job", "2.5"): "FLARE 2.5 calls setup_clients setup_client; ours takes both",
    ("base_fed_job_parts", "2.5"): "FLARE 2.5 calls model_selector intime_model_selector; ours takes both",
    ("base_fed_job_parts", "2.6"): "FLARE 2.6 calls model_selector intime_model_selector; ours takes both",
    **{
        (
            "recipe_fedeval_per_site",
            r,
        ): "before 2.9 a model by class path is 'class_path'; ours takes 'path' for all"
        for r in ("2.7", "2.8")
    },
    **{
        ("stats_job_2_5", r): "the name of 2.5, setup_client, is taken for every release"
        for r in VERSIONS
        if r != "2.5"
    },
}

#: Where ours refuses what FLARE exports, on purpose.
OURS_REFUSES = {
    **{("script_from_above", r): "FLARE writes the file outside custom/" for r in VERSIONS if r != "2.9"},
    **{
        ("reserved_meta_props", r): "FLARE exports a job under another name than its folder's"
        for r in ("2.7", "2.8")
    },
}


@dataclass(frozen=True)
class Outcome:
    state: str  #: "equal", "refused", "ours only", "ours refuses", "different", "not asked"
    detail: str = ""


def releases() -> list[str]:
    """The releases to compare with: FEDJOB_FLARE_RELEASES, by default the newest."""
    return os.environ.get("FEDJOB_FLARE_RELEASES", "2.9").replace(",", " ").split()


def python(release: str) -> str | None:
    """An interpreter that has FLARE `release`; None when there is none and none was asked for."""
    try:
        if version("nvflare") == VERSIONS[release]:
            return sys.executable
    except PackageNotFoundError:
        pass
    if "FEDJOB_FLARE_ENVS" not in os.environ and "FEDJOB_FLARE_RELEASES" not in os.environ:
        return None
    return str(_environment(release) / "bin" / "python")


def _environment(release: str) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fedjob" / "flare"
    root = Path(os.environ.get("FEDJOB_FLARE_ENVS") or cache)
    # An environment made with other extras is another one.
    environment = root / "-".join((VERSIONS[release], *MORE))
    root.mkdir(parents=True, exist_ok=True)
    with locked(root / f"{release}.lock"):
        if not (environment / "bin" / "python").exists():
            venv.create(environment, with_pip=True, clear=True)
            pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "-q"]
            try:
                subprocess.run([*pip, f"nvflare=={VERSIONS[release]}", *EXTRAS], check=True)
            except BaseException:
                shutil.rmtree(environment)
                raise
    return environment


@contextmanager
def locked(path: Path):
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def export(release: str, interpreter: str, shared: Path) -> Path:
    """Export the corpus by both sides, once among all who share `shared`; returns where it lies."""
    place = shared / release
    with locked(shared / f"{release}.lock"):
        if not (place / "done").exists():
            work = place / "work"
            shutil.copytree(USER, work, symlinks=True)
            (place / "outside.py").write_text("secret = 1\n")
            _drive(interpreter, ["real"], place / "real", work)
            _drive(sys.executable, ["ours", release], place / "ours", work)
            if interpreter == sys.executable:
                _drive(interpreter, ["mixed"], place / "mixed", work)
            (place / "done").touch()
    return place


def _drive(interpreter: str, side: list[str], out: Path, work: Path) -> None:
    command = [interpreter, "-B", str(HERE / "driver.py"), *side, str(out)]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr}")


def compare(place: Path, name: str, release: str, side: str = "ours") -> Outcome:
    """How FLARE's export of a job and ours compare; `side` may be ``mixed``."""
    real = json.loads((place / "real" / "errors.json").read_text()).get(name)
    ours = json.loads((place / side / "errors.json").read_text()).get(name)
    if real and "missing" in real:
        return Outcome("not asked", real["missing"])
    if real and ours:
        if not ours["ours"] and ours["error"] != real["error"]:
            return Outcome("different", f"refused with an error that is not ours:\n{ours['trace']}")
        return Outcome("refused", ours["error"])
    if ours and (reason := OURS_REFUSES.get((name, release))):
        return Outcome("ours refuses", reason)
    if ours:
        return Outcome("different", f"only ours refuses:\n{ours['trace']}")
    if real:
        reason = OURS_ONLY.get((name, release))
        return (
            Outcome("ours only", reason)
            if reason
            else Outcome("different", f"only FLARE refuses:\n{real['trace']}")
        )
    return _compare_trees(files(place / "real" / name), files(place / side / name))


def _compare_trees(real: dict[str, bytes], ours: dict[str, bytes]) -> Outcome:
    missing, extra = sorted(real.keys() - ours.keys()), sorted(ours.keys() - real.keys())
    unequal = [path for path in real if path in ours and real[path] != ours[path]]
    if not (missing or extra or unequal):
        return Outcome("equal")
    lines = [*(f"missing: {p}" for p in missing), *(f"extra: {p}" for p in extra)]
    for path in unequal:
        lines += [
            f"--- FLARE {path}",
            real[path].decode(errors="replace"),
            "+++ ours",
            ours[path].decode(errors="replace"),
        ]
    return Outcome("different", "\n".join(lines))


def files(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` and its bytes; the random ids of as_id are numbered in order of appearance."""
    seen: dict[bytes, bytes] = {}

    def number(match):
        return seen.setdefault(match.group(), b"uuid-%d" % len(seen))

    found = {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
    return {path: UUID.sub(number, data) if path.endswith(".json") else data for path, data in found.items()}
