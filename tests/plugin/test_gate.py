"""The gate: what is lost or never ran does not end green."""

import pytest

pytest_plugins = ["pytester"]

VERDICT = "fedjob: this run does not count: "


def verdicts(suite):
    return [line.removeprefix(VERDICT) for line in suite.result.outlines if line.startswith(VERDICT)]


SKIPPED = """
@pytest.mark.skip
def test_a(fedjob): pass

def test_b(fedjob):
    pytest.importorskip("surely_not_installed")

def test_plain(): pass
"""


def test_a_run_whose_federated_tests_were_all_skipped(suite):
    suite.test(SKIPPED)
    suite.run().assert_outcomes(skipped=2, passed=1)
    assert suite.result.ret == pytest.ExitCode.INTERNAL_ERROR
    assert verdicts(suite) == ["2 federated tests selected, but none ran: all were skipped"]


def test_one_that_ran_is_enough(suite):
    suite.test(SKIPPED + "\ndef test_c(fedjob): pass\n")
    assert suite.run().ret == 0


def test_a_selection_without_federated_tests_is_fine(suite):
    suite.test(SKIPPED)
    assert suite.run("-k", "plain").ret == 0
    assert suite.run("--collect-only").ret == 0


@pytest.mark.parametrize("arguments", [["-x"], ["--maxfail=1"], []])
def test_a_failing_run_keeps_its_own_exit_code(suite, arguments):
    suite.test("def test_a(fedjob): assert 0\ndef test_b(fedjob): pass\n")
    # xdist calls a run that -x stopped an interrupted one.
    stopped = pytest.ExitCode.INTERRUPTED if suite.workers and arguments else pytest.ExitCode.TESTS_FAILED
    assert suite.run(*arguments).ret == stopped
    assert verdicts(suite) == []


LOSING = """
import decimal, time

@pytest.mark.parametrize("n", range(6))
def test_plain(n): pass

def test_lost(record_property):
    time.sleep(1)
    record_property("x", decimal.Decimal(1))
"""


@pytest.fixture
def losing(pytester, monkeypatch):
    """A property that execnet cannot carry breaks the worker's channel, and its test is reported to nobody."""
    from tests.plugin.conftest import Suite

    monkeypatch.delenv("CI", raising=False)
    suite = Suite(pytester, workers=True)
    suite.test(LOSING)
    return suite


def test_without_the_gate_a_lost_test_goes_unnoticed(losing):
    losing.run("-p", "no:fedjob")
    # Whether pytest notices hangs on which test its worker had last; the test is gone either way.
    assert losing.result.parseoutcomes().get("passed", 0) + losing.result.parseoutcomes().get("failed", 0) < 7
    assert losing.result.ret in {pytest.ExitCode.OK, pytest.ExitCode.INTERNAL_ERROR}


def test_with_the_gate_it_does_not_end_green(losing):
    assert losing.run().ret == pytest.ExitCode.INTERNAL_ERROR
    said = "\n".join(losing.result.outlines)
    if VERDICT in said:  # pytest prints no summary when it noticed the error itself
        assert "test_it.py::test_lost" in said


def test_the_gate_names_the_lost_test():
    from types import SimpleNamespace

    from pytest_fedjob.gate import Gate

    gate = Gate()
    gate.collected.update(f"test_x.py::test_{i}" for i in range(7))
    gate.add_report(SimpleNamespace(when="teardown", nodeid="test_x.py::test_0"), federated=False)
    session = SimpleNamespace(shouldstop=False, shouldfail=False, exitstatus=pytest.ExitCode.OK)
    assert gate.problems(session) == [
        "6 tests collected but never finished: test_x.py::test_1, test_x.py::test_2, test_x.py::test_3, "
        "test_x.py::test_4, test_x.py::test_5 and 1 more"
    ]
    session.shouldstop = "told to"
    assert gate.problems(session) == []
    gate.internal_errors = 1
    assert gate.problems(session) == ["1 internal error of pytest or a plugin"]
