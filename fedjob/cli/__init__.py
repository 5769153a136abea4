"""The command line: ``fedjob export | check | diff | upgrade | run | golden``.

Exit codes: 0 fine, 1 differences or findings, 2 wrong use or unusable input, 3 a run that failed,
4 an error of fedjob itself or of a plugin.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from fedjob import __version__
from fedjob.cli import check, diff, export, golden, run, upgrade
from fedjob.cli.output import FAILED, INTERNAL, USAGE, complain

_COMMANDS = (export, check, diff, upgrade, run, golden)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    from fedjob.errors import FedJobError, RunError

    given = list(sys.argv[1:] if arguments is None else arguments)
    # What follows "--" is the job script's own; argparse would mix it with our positionals.
    cut = given.index("--") if "--" in given else len(given)
    parsed = parser().parse_args(given[:cut])
    parsed.job_args = given[cut + 1 :]
    _answer_for_flare()
    try:
        code: int = parsed.function(parsed)
    except RunError as error:
        return complain(str(error), FAILED)
    except FedJobError as error:
        return complain(str(error), USAGE)
    except KeyboardInterrupt:
        return complain("interrupted", FAILED)
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception:
        import traceback

        traceback.print_exc()
        return complain("this is an error of fedjob or of a plugin (above); please report it", INTERNAL)
    return code


def _answer_for_flare() -> None:
    """Where FLARE is not installed, whoever imports it gets ours: plugins, too, when they are loaded."""
    from importlib.machinery import PathFinder

    # As `shim.real_flare` asks, whose import would be most of the start of a command that needs no FLARE.
    if PathFinder.find_spec("nvflare") is None:
        from fedjob.flare import first_use

        first_use.install()


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    whole = argparse.ArgumentParser(
        prog="fedjob",
        description="Export, compare, check and run federated-learning jobs for NVIDIA FLARE.",
        epilog="Exit codes: 0 fine, 1 differences or findings, 2 wrong use, 3 failed run, 4 internal error. "
        "Arguments after '--' go to the job script.",
    )
    whole.add_argument("--version", action="version", version=f"fedjob {__version__}")
    commands = whole.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in _COMMANDS:
        module.add_to(commands)
    return whole
