"""What every command shares: exit codes, JSON or text, and the jobs it is given."""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fedjob.folder.model import JobModel
    from fedjob.job.script import Shim

FINE, FOUND, USAGE, FAILED, INTERNAL = range(5)


def add_job(parser: argparse.ArgumentParser, name: str = "job", nargs: str | None = None) -> None:
    what = "a job script (.py), a job folder, or a golden of a job (.yaml)"
    parser.add_argument(name, metavar=name.upper(), nargs=nargs, help=what)


def add_release(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--release", metavar="R", help="FLARE release to export a script's job for (default: newest)"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def complain(message: str, code: int) -> int:
    """Say what is wrong, and return the exit code."""
    print(f"fedjob: {message}", file=sys.stderr)
    return code


def say(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)


def say_json(data: Any) -> None:
    print(json.dumps(_strict(data), indent=2, default=str))


def _strict(data: Any) -> Any:
    """NaN and infinities as null: they are not JSON, and readers of the output may be strict."""
    if isinstance(data, Mapping):
        return {key: _strict(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_strict(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


@contextmanager
def opened(path: str, release: str | None, arguments: list[str]) -> Iterator[JobModel]:
    """The job at `path`: a script is run up to its job, a golden is parsed, a folder is read."""
    with opened_job(path, release, arguments) as (_, model):
        yield model


@contextmanager
def opened_job(path: str, release: str | None, arguments: list[str]) -> Iterator[tuple[Any, JobModel]]:
    """Like `opened`, with the object that the script described (the path, if it is no script)."""
    from fedjob.folder.read import read
    from fedjob.golden.config import read_model, read_text
    from fedjob.job.given import to_model

    with tempfile.TemporaryDirectory(prefix="fedjob-") as scratch:
        if path.endswith(".py"):
            # An installed FLARE exports for its own release only; ours exports for any.
            job = described(path, arguments, shim="always" if release else "auto")
            with redirect_stdout(sys.stderr):
                model = to_model(job, release, Path(scratch))
            yield job, model
        elif path.endswith((".yaml", ".yaml.new")):
            yield path, read_model(read_text(read_golden(path), path, "job")[1], path)
        else:
            yield path, read(path)


def described(path: str, arguments: list[str], *, shim: Shim) -> Any:
    """The job of a script, whose output goes to standard error: ours may be read by a program.

    Raises JobError, with the traceback in the user's code, for a script that raises.
    """
    from fedjob.errors import FedJobError, JobError
    from fedjob.job import load_script

    with redirect_stdout(sys.stderr):
        try:
            return load_script(path, arguments, shim=shim)
        except FedJobError:
            raise
        except Exception as error:
            raise JobError(f"{path} raised an error:\n{_from_script(error, path)}") from error


def _from_script(error: Exception, path: str) -> str:
    """The traceback of an error from where the script comes in."""
    script = str(Path(path).resolve())
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename != script:
        frame = frame.tb_next
    lines = traceback.format_exception(type(error), error, frame)
    return "".join(lines).rstrip()


def read_golden(path: str | Path) -> str:
    """The text of a golden file; raises `GoldenError` when it cannot be read."""
    from fedjob.errors import GoldenError

    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise GoldenError(f"cannot read golden {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise GoldenError(
            f"golden {path} is not UTF-8 text (byte {error.start}); restore or update it"
        ) from error
