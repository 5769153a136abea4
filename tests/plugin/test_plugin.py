"""Start-up: a bare collection brings in nothing heavy, and options are registered."""

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

HEAVY = ("numpy", "torch", "tensorflow", "nvflare", "yaml", "fedjob.engines", "fedjob.job", "fedjob.result")


def loaded(code: str) -> set[str]:
    """The heavy modules that `code` brings in, in a fresh interpreter."""
    probe = f"import sys\n{code}\nprint([m for m in {HEAVY!r} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(eval(run.stdout.splitlines()[-1]))


def test_importing_the_plugin_is_cheap():
    assert loaded("import pytest_fedjob.plugin") == set()


def test_a_bare_collection_is_cheap(pytester, monkeypatch):
    monkeypatch.chdir(pytester.path)
    pytester.makepyfile("def test_a(fedjob): pass")
    code = (
        "import pytest, contextlib, io\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    code = pytest.main(['--co', '-q', '-p', 'no:cacheprovider', '-p', 'no:hypothesispytest'])\n"
        "assert code == 0"
    )
    assert loaded(code) == set()


def test_the_header_says_what_counts(suite):
    suite.test("def test_a(fedjob): pass")
    suite.run("--fedjob-engine=fake", "--fedjob-release=2.8", "--fedjob-golden=check")
    suite.result.stdout.fnmatch_lines(["fedjob *: fake engine, FLARE 2.8, goldens: check"])


def test_strict_configuration(suite):
    suite.write(
        "pytest.ini",
        "[pytest]\naddopts = --strict-markers --strict-config\nfedjob_golden_dir = pins\nfedjob_rtol = 0.1\n"
        "fedjob_atol = 1e-6\nfedjob_release = 2.9\nfedjob_engine = fake\nfedjob_shim = auto\n",
    )
    suite.test("""
@pytest.mark.fedjob(seed=1)
def test_a(fedjob):
    fedjob.golden(fedjob.simulate(JOBS / "hello"))
""")
    suite.run().assert_outcomes(passed=1)
    assert (suite.path / "pins/test_it/test_a.yaml").exists()


def test_the_shim_answers_flare_imports_when_told(suite):
    suite.write("pytest.ini", "[pytest]\nfedjob_shim = always\n")
    suite.test("""
from nvflare.job_config.api import FedJob

def test_a(fedjob):
    assert FedJob.__module__.startswith("fedjob.")
""")
    suite.run().assert_outcomes(passed=1)


def test_the_shim_can_be_kept_out(suite):
    suite.write("pytest.ini", "[pytest]\nfedjob_shim = never\n")
    suite.test("""
import sys

def test_a(fedjob):
    assert not any(type(f).__module__.startswith("fedjob") for f in sys.meta_path)
""")
    suite.run().assert_outcomes(passed=1)


@pytest.mark.parametrize("word", ["fedjob_shim", "fedjob_isolation"])
def test_ini_values_that_cannot_be(suite, word):
    suite.write("pytest.ini", f"[pytest]\n{word} = odd\n")
    assert suite.run().ret == pytest.ExitCode.USAGE_ERROR
    assert any(
        line.startswith(f"ERROR: {word} is 'odd'; it must be one of ") for line in suite.result.errlines
    )
