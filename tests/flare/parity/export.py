"""Export the jobs: ``python export.py (ours | real) OUT [JOB...]`` writes ``OUT/<job>/<folder>``.

What could not be exported is in ``OUT/errors.json``. A program of its own, since it runs in the user's
directory and imports the user's modules.
"""

import contextlib
import io
import json
import os
import sys
import traceback
import warnings
from pathlib import Path

HERE = Path(__file__).parent


def main():
    side, out, *wanted = sys.argv[1:]
    out = Path(out).resolve()
    os.chdir(HERE / "user")
    sys.path[:1] = [str(HERE / "user"), str(HERE)]
    warnings.simplefilter("ignore")
    if side == "ours":
        from fedjob.flare import shim

        shim.install(describe=True)
    from jobs import JOBS

    errors = {}
    for name in wanted or JOBS:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                job = JOBS[name].build()
                (getattr(job, "export_job", None) or job.export)(str(out / name))
        except Exception:
            errors[name] = traceback.format_exc()
    out.mkdir(parents=True, exist_ok=True)
    (out / "errors.json").write_text(json.dumps(errors, indent=1))


if __name__ == "__main__":
    main()
