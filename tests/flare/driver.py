"""Export the corpus: ``python driver.py (ours RELEASE | real | mixed) OUT [JOB...]``, run in the user's directory.

``mixed`` gives real FLARE's objects to our FedJob.
Every job goes to ``OUT/<job>``; what could not be exported is in ``OUT/errors.json``, by job.
"""

import contextlib
import importlib.metadata
import io
import json
import sys
import traceback
import warnings
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent


def main():
    side, *rest = sys.argv[1:]
    release = rest.pop(0) if side == "ours" else None
    out, wanted = Path(rest[0]), rest[1:]
    warnings.simplefilter("ignore")
    sys.path[:1] = [str(Path.cwd()), str(HERE)]
    if side == "ours":
        from fedjob.flare import shim

        shim.install(describe=True)
    else:
        sys.path.append(str(HERE.parents[1] / "tools"))
        from stand_in import StandIn

        # FLARE imports these where no export needs them; appended, so an installed one comes first.
        sys.meta_path.append(StandIn("flwr", "mlflow", "tensorboard", "wandb"))
        _pretend_installed()
    if side == "mixed":
        import nvflare
        import nvflare.job_config.api

        from fedjob.job import FedJob

        nvflare.FedJob = nvflare.job_config.api.FedJob = FedJob
    from corpus import JOBS

    errors = {}
    for name in wanted or JOBS:
        if side == "real" and JOBS[name].needs and not find_spec(JOBS[name].needs):
            errors[name] = {"missing": JOBS[name].needs}
            continue
        with contextlib.redirect_stdout(io.StringIO()):
            error = export(JOBS[name].build, out / name, release)
        if error:
            errors[name] = error
    out.mkdir(parents=True, exist_ok=True)
    (out / "errors.json").write_text(json.dumps(errors, indent=1))


def _pretend_installed():
    """FLARE's recipes ask for Flower's version, and for the trackers' packages."""
    ask = importlib.metadata.version
    importlib.metadata.version = lambda name: "1.30" if name == "flwr" else ask(name)
    with contextlib.suppress(ImportError):  # there are no recipes before 2.7
        import nvflare.recipe.utils

        nvflare.recipe.utils.optional_import = lambda package: (None, True)


def export(build, root, release):
    try:
        job = build()
        write = getattr(job, "export_job", None) or job.export
        write(str(root), **({"release": release} if release else {}))
    except Exception as error:
        lines = traceback.format_exception_only(type(error), error)
        own = [c.__module__.partition(".")[0] for c in type(error).__mro__]
        return {"error": lines[-1].strip(), "ours": "fedjob" in own, "trace": traceback.format_exc()}
    return None


if __name__ == "__main__":
    main()
