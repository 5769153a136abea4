"""Why a run failed: the user's own traceback first, nothing said twice."""

from dataclasses import replace
from pathlib import Path

from fedjob.result import Contribution, Round, RunResult, SiteError
from fedjob.result.failure import failure_lines

TRACEBACK = 'Traceback (most recent call last):\n  File "train.py", line 3, in <module>\nValueError: boom\n'
PANIC = SiteError(site="server", kind="panic", message="too few results")
BOOM = SiteError(
    site="site-2", kind="exception", message="ValueError: boom", round=1, task="train", traceback=TRACEBACK
)


def failed(*errors: SiteError, problems=(), rounds=()) -> RunResult:
    return RunResult(
        engine="local",
        job="hello",
        status="failed",
        workspace=Path("ws"),
        sites=("site-1", "site-2"),
        rounds=rounds,
        errors=errors,
        problems=("the run ended as 'failed'", *(str(e).splitlines()[0] for e in errors), *problems),
    )


def test_the_error_with_a_traceback_comes_first():
    assert failure_lines(failed(PANIC, BOOM)) == [
        "job 'hello' failed on the local engine: site-2, round 1, task 'train': exception: ValueError: boom",
        "",
        "Traceback (most recent call last):",
        '  File "train.py", line 3, in <module>',
        "ValueError: boom",
        "",
        "also:",
        "  server: panic: too few results",
        "",
        "0 rounds finished, 2 sites",
        "run directory: ws",
    ]


def test_an_error_without_a_traceback():
    assert (
        failure_lines(failed(PANIC))[0]
        == "job 'hello' failed on the local engine: server: panic: too few results"
    )
    assert "also:" not in failure_lines(failed(PANIC))


def test_no_error_at_all():
    result = replace(failed(), status="ok", problems=("no round was finished", "site 'a' was silent"))
    assert failure_lines(result)[:4] == [
        "job 'hello' failed on the local engine: no round was finished",
        "",
        "also:",
        "  site 'a' was silent",
    ]


def test_what_was_reached_is_shown():
    sent = Contribution(
        site="site-1",
        task="train",
        rc="OK",
        metrics={"acc": 0.5, "note": "x"},
        weight=None,
        params=1,
        bytes=1,
    )
    rounds = (Round(number=0, metrics={"acc": 0.5, "note": "x"}, contributions=(sent,)),)
    assert failure_lines(failed(PANIC, rounds=rounds))[2:] == [
        "1 round finished, 2 sites",
        "  acc ▁ (rounds 0-0)",
        "    all sites  0.5",
        "    site-1     0.5",
        "run directory: ws",
    ]
