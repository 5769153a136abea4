"""Simulations from a test: results, failures, defaults, sharing, and what the session says of them."""

import re
import xml.etree.ElementTree as ET

import pytest

pytest_plugins = ["pytester"]


def test_a_result_can_be_asserted_on_and_is_summarised(suite):
    suite.test("""
def test_learns(fedjob):
    rounds = [{"accuracy": 0.5, "loss": 2.0}, {"accuracy": 0.75, "loss": 1.0}]
    result = fedjob.simulate(JOBS / "hello", clients=3, engine=FakeEngine(rounds=rounds))
    assert result.sites == ("site-1", "site-2", "site-3")
    assert result.metric("accuracy").last == 0.75
    assert result.metric("loss").decreases()
""")
    suite.run().assert_outcomes(passed=1)
    assert re.sub(r"\d\.\d\d s", "T", suite.summary) == (
        "test_it.py::test_learns\n"
        "  hello: 2 rounds, 3 sites, fake, T\n"
        "    accuracy  ▁█  0.5 0.75\n"
        "    loss      █▁  2 1"
    )


def test_a_failing_assertion_shows_the_series_and_the_sites(suite):
    suite.test("""
def test_learns(fedjob):
    result = fedjob.simulate(JOBS / "hello", engine="fake")
    assert result.metric("accuracy").last >= 0.95
""")
    suite.run().assert_outcomes(failed=1)
    assert suite.failure.splitlines() == [
        "AssertionError: assert 0.9 >= 0.95",
        " +  where 0.9 = accuracy ▁█ (rounds 0-1) 0.5 0.9.last",
        " +    where accuracy ▁█ (rounds 0-1) 0.5 0.9 = metric('accuracy')",
        " +      where metric = hello: ok, 2 rounds, 2 sites, fake engine.metric",
    ]
    suite.result.stdout.fnmatch_lines(
        [
            "*- fedjob run -*",
            "hello: ok, 2 rounds, 2 sites, fake engine",
            "  accuracy ▁█ (rounds 0-1)",
            "    all sites  0.5 0.9",
            "    site-1     0.5 0.9",
            "    site-2     0.5 0.9",
            "  run directory: *",
        ],
        consecutive=True,
    )


def test_a_metric_that_is_not_there_is_reported_at_the_tests_line(suite):
    suite.test("""
def test_learns(fedjob):
    result = fedjob.simulate(JOBS / "hello", engine="fake")
    result.metric("loss")

def test_round(fedjob):
    result = fedjob.simulate(JOBS / "hello", engine="fake")
    result.metric("accuracy").at(7, site="site-9")
""")
    suite.run().assert_outcomes(failed=2)
    shown = [line for line in suite.result.outlines if line.startswith((">", "E "))]
    assert sorted(shown) == sorted(
        [
            '>       result.metric("loss")',
            "E       fedjob.errors.ResultError: the server aggregated no metric 'loss' in 2 rounds; metrics there are: ['accuracy']",
            '>       result.metric("accuracy").at(7, site="site-9")',
            "E       fedjob.errors.ResultError: site 'site-9' reported no metric 'accuracy'; sites that did: ['site-1', 'site-2']",
        ]
    )


def test_a_failed_run_raises_with_the_clients_error(suite):
    suite.test("""
def test_fails(fedjob):
    fedjob.simulate(JOBS / "hello", engine=FakeEngine(rounds=[{"accuracy": 0.5}], error="ValueError: boom"))
""")
    suite.run().assert_outcomes(failed=1)
    text = re.sub(r"run directory: .*", "run directory: D", suite.failure)
    assert text == (
        "fedjob.errors.RunFailed: job 'hello' failed on the fake engine: site-1: exception: ValueError: boom\n"
        "\n"
        "1 round finished, 2 sites\n"
        "  accuracy ▁ (rounds 0-0)\n"
        "    all sites  0.5\n"
        "    site-1     0.5\n"
        "    site-2     0.5\n"
        "run directory: D"
    )
    # The traceback ends at the user's own line.
    assert ">       fedjob.simulate(" in suite.result.stdout.str()
    assert "pytest_fedjob/" not in suite.result.stdout.str()
    assert "  hello: 1 round, 2 sites, fake, 0.00 s, FAILED" in suite.summary


def test_a_failed_result_on_request(suite):
    suite.test("""
def test_fails(fedjob):
    result = fedjob.simulate(JOBS / "hello", engine=FakeEngine(error="boom"), check=False)
    assert not result.ok
    with pytest.raises(Exception) as caught:
        fedjob.simulate(JOBS / "hello", engine=FakeEngine(error="boom"))
    assert caught.value.result.problems == result.problems
""")
    suite.run().assert_outcomes(passed=1)


def test_a_nan_makes_a_run_fail(suite):
    suite.test("""
def test_nan(fedjob):
    fedjob.simulate(JOBS / "hello", engine=FakeEngine(rounds=[{"loss": float("nan")}]))
""")
    suite.run().assert_outcomes(failed=1)
    assert suite.failure.startswith(
        "fedjob.errors.RunFailed: job 'hello' failed on the fake engine: metric 'loss' is nan in round 0 at server"
    )


RECORDER = """
class Recorder(FakeEngine):
    def run(self, folder, request):
        object.__setattr__(self, "request", request)
        return super().run(folder, request)
"""


def test_defaults_come_from_ini_option_marker_and_call(suite):
    suite.write("pytest.ini", "[pytest]\nfedjob_seed = 3\nfedjob_timeout = 9.5\nfedjob_preload = json csv\n")
    suite.test(
        RECORDER
        + """
def ask(fedjob, **more):
    engine = Recorder()
    fedjob.simulate(JOBS / "hello", engine=engine, **more)
    return engine.request

def test_ini(fedjob):
    request = ask(fedjob)
    assert (request.seed, request.timeout, request.isolation) == (3, 9.5, "inline")
    assert request.preload == ("json", "csv")
    assert Path(__file__).parent in request.source_roots

@pytest.mark.fedjob(seed=4, isolation="shared")
class TestMarked:
    def test_class(self, fedjob):
        assert (ask(fedjob).seed, ask(fedjob).isolation) == (4, "shared")

    @pytest.mark.fedjob(seed=5)
    def test_closest_wins(self, fedjob):
        assert (ask(fedjob).seed, ask(fedjob).isolation) == (5, "shared")

    def test_call_wins(self, fedjob):
        request = ask(fedjob, seed=0, timeout=1, clients=["a", "b"], threads=2, gpu="0")
        assert (request.seed, request.timeout, request.clients) == (0, 1, ("a", "b"))
        assert (request.threads, request.gpu) == (2, "0")
"""
    )
    suite.run("--fedjob-isolation=inline").assert_outcomes(passed=4)


def test_an_unknown_marker_word(suite):
    suite.test("""
@pytest.mark.fedjob(rounds=3)
def test_it(fedjob):
    pass
""")
    suite.run().assert_outcomes(errors=1)
    assert suite.failure.endswith(
        "pytest.mark.fedjob does not take rounds; it takes engine, timeout, seed, isolation by name"
    )


def test_a_contradicting_request(suite):
    suite.test("""
def test_it(fedjob):
    fedjob.simulate(JOBS / "hello", clients=1, engine="fake")
""")
    suite.run().assert_outcomes(failed=1)
    assert suite.failure == (
        "fedjob.errors.RequestError: job 'hello' needs min_clients=2 sites but only 1 would run: ['site-1']"
    )


def test_something_that_is_no_job(suite):
    suite.test("""
def test_it(fedjob):
    fedjob.simulate(42, engine="fake")
""")
    suite.run().assert_outcomes(failed=1)
    assert suite.failure == (
        "fedjob.errors.JobTypeError: int is not a job: give a FedJob, a Recipe, or the path of a job folder"
    )


def test_export(suite):
    suite.test("""
def test_it(fedjob):
    from fedjob.folder.read import read
    folder = fedjob.export(JOBS / "hello")
    assert folder.name == "hello" and folder != JOBS / "hello"
    assert read(folder) == read(JOBS / "hello")
    assert fedjob.export(folder) != folder
""")
    suite.run().assert_outcomes(passed=1)


COUNTED = """
import fedjob.plugins as plugins

class Counted(FakeEngine):
    def run(self, folder, request):
        with open(Path(__file__).with_name("count"), "a") as file:
            file.write("x")
        return super().run(folder, request)

@pytest.fixture(autouse=True)
def counted(monkeypatch):
    monkeypatch.setattr(plugins, "engine", lambda name: Counted())

@pytest.mark.parametrize("n", range(6))
def test_same(fedjob, n):
    assert fedjob.simulate(JOBS / "hello", clients=2, seed=7).ok

"""


def test_equal_simulations_run_once_per_session(suite):
    suite.test(COUNTED)
    suite.run().assert_outcomes(passed=6)
    assert suite.read("count") == "x"
    assert suite.summary.count("taken over from an earlier test") == 5
    # Another session starts anew.
    suite.run().assert_outcomes(passed=6)
    assert suite.read("count") == "xx"


def test_different_simulations_run_each(suite):
    suite.test(
        COUNTED
        + """
def test_others(fedjob, monkeypatch):
    for n in (2, 3, 2):
        fedjob.simulate(JOBS / "hello", clients=n, seed=7)
    fedjob.simulate(JOBS / "hello", clients=2, seed=8)
    fedjob.simulate(JOBS / "hello", clients=2, seed=7, fresh=True)
    fedjob.simulate(JOBS / "hello", clients=2, seed=7, isolation="inline")
    fedjob.simulate(JOBS / "hello", clients=2, seed=7, isolation="inline")
    monkeypatch.setenv("SCALE", "2")
    fedjob.simulate(JOBS / "hello", clients=2, seed=7)
"""
    )
    suite.run().assert_outcomes(passed=7)
    assert suite.read("count") == "x" * 7


def test_the_same_tests_on_several_engines(suite):
    suite.test("""
import fedjob.plugins as plugins

@pytest.fixture(autouse=True)
def fakes(monkeypatch):
    monkeypatch.setattr(plugins, "engine", lambda name: FakeEngine(name=name))

@pytest.mark.parametrize("n", [2, 3])
def test_both(fedjob, n, request):
    result = fedjob.simulate(JOBS / "hello", clients=n)
    assert result.engine in request.node.name
    fedjob.golden(result)

@pytest.mark.fedjob(engine="only")
def test_one(fedjob):
    assert fedjob.simulate(JOBS / "hello").engine == "only"
""")
    suite.run("--fedjob-engine=one,two").assert_outcomes(passed=5)
    names = sorted(p.name for p in (suite.path / "goldens/test_it").iterdir())
    assert names == ["test_both-2.yaml", "test_both-3.yaml"]


def test_hooks_of_the_user(suite):
    suite.write(
        "conftest.py",
        "def pytest_fedjob_before_run(item, model, request):\n"
        "    print('before', item.name, model.meta.name, request.seed)\n"
        "def pytest_fedjob_result(item, result):\n"
        "    print('after', item.name, result.ok)\n",
    )
    suite.test("""
def test_it(fedjob, capsys):
    fedjob.simulate(JOBS / "hello", engine="fake", seed=2)
    assert capsys.readouterr().out == "before test_it hello 2\\nafter test_it True\\n"
""")
    suite.run().assert_outcomes(passed=1)


def test_a_folder_runs_without_the_side_that_describes_jobs(suite):
    suite.test("""
import sys

def test_it(fedjob):
    fedjob.simulate(JOBS / "hello", engine="fake")
    assert [name for name in sys.modules if name.startswith("fedjob.job")] == []
""")
    suite.run().assert_outcomes(passed=1)


def test_an_engine_is_told_how_many_simulations_are_on_at_a_time(suite):
    suite.write(
        "conftest.py",
        "def pytest_fedjob_before_run(item, model, request):\n"
        "    item.user_properties.append(('runs', request.concurrent_runs))\n",
    )
    suite.test("""
def test_it(fedjob):
    fedjob.simulate(JOBS / "hello", engine="fake")
""")
    suite.run("--junitxml=out.xml").assert_outcomes(passed=1)
    found = {p.get("name"): p.get("value") for p in ET.parse(suite.path / "out.xml").iter("property")}
    assert found["runs"] == ("2" if suite.workers else "1")


def test_junit_properties_are_plain_numbers(suite):
    suite.test("""
def test_it(fedjob):
    fedjob.simulate(JOBS / "hello", engine="fake")
""")
    suite.run("--junitxml=out.xml").assert_outcomes(passed=1)
    found = {p.get("name"): p.get("value") for p in ET.parse(suite.path / "out.xml").iter("property")}
    assert found == {"fedjob.hello.rounds": "2", "fedjob.hello.accuracy": "0.9"}


def test_two_results_that_differ(suite):
    suite.test("""
def test_it(fedjob):
    one, two = (fedjob.simulate(JOBS / "hello", engine=FakeEngine(rounds=[{"acc": v}])) for v in (0.5, 0.75))
    assert one == two
""")
    suite.run().assert_outcomes(failed=1)
    assert suite.failure.splitlines()[:4] == [
        "AssertionError: assert run of 'hello' == run of 'hello'",
        "    changed: acc: round 0, server",
        "      expected: 0.75",
        "      obtained: 0.5",
    ]


def test_quiet_runs_say_only_what_needs_attention(suite):
    suite.test("""
def test_it(fedjob):
    fedjob.golden(fedjob.simulate(JOBS / "hello", engine="fake"))
""")
    suite.run("-q")
    assert "written: goldens/test_it/test_it.yaml" in suite.summary
    suite.run("-q")
    assert suite.summary == ""


def test_suites_without_federated_tests_hear_nothing(suite):
    suite.test("def test_plain(): pass")
    assert suite.run().ret == 0
    assert suite.summary == ""


@pytest.mark.parametrize("option", ["--fedjob-engine=,", "--fedjob-golden=never"])
def test_options_that_cannot_be(suite, option):
    assert suite.run(option).ret == pytest.ExitCode.USAGE_ERROR


def test_a_check_fails_on_errors_and_returns_the_rest(suite):
    suite.test("""
import json

def spoil(tmp_path, tasks):
    import shutil
    shutil.copytree(JOBS / "hello", tmp_path / "hello")
    config = tmp_path / "hello/app/config/config_fed_client.json"
    data = json.loads(config.read_text())
    data["task_result_filters"][0]["tasks"] = tasks
    config.write_text(json.dumps(data))
    (tmp_path / "hello/app/custom/w.pkl").write_text("")
    return tmp_path / "hello"

def test_fine(fedjob, tmp_path):
    assert [f.code for f in fedjob.check(spoil(tmp_path, ["train"]))] == ["pickle"]
    assert fedjob.check(tmp_path / "hello", ignore=["pickle"]) == ()

def test_broken(fedjob, tmp_path):
    fedjob.check(spoil(tmp_path, ["*"]))

def test_runs_all_the_same(fedjob, tmp_path):
    fedjob.simulate(spoil(tmp_path, ["*"]), engine="fake")
""")
    suite.run().assert_outcomes(passed=2, failed=1)
    text = (
        "error filter-never-runs: app: client.task_result_filters[*]\n"
        "  FLARE looks filters up by the exact name of the task; '*' (the default) is no wildcard there\n"
        "  name the tasks: tasks=['train']"
    )
    assert suite.failure == f"Failed: {text}"
    assert "    check found filter-never-runs: app: client.task_result_filters[*]" in suite.summary
    suite.write("pyproject.toml", '[tool.fedjob.check]\nignore = ["filter-never-runs"]\n')
    suite.run().assert_outcomes(passed=3)
    assert "check found" not in suite.summary


def test_a_failed_run_says_what_the_checks_found(suite):
    suite.test("""
def test_it(fedjob, tmp_path):
    import shutil
    shutil.copytree(JOBS / "hello", tmp_path / "hello")
    (tmp_path / "hello/app/custom/random.py").write_text("")
    fedjob.simulate(tmp_path / "hello", engine=FakeEngine(error="boom"))
""")
    suite.run().assert_outcomes(failed=1)
    assert suite.failure.endswith(
        "\n\nerror name-shadowed: app: custom/random.py\n"
        "  Python's own module 'random' hides it: custom/ is searched last\n"
        "  rename it"
    )


@pytest.mark.parametrize("how", ["assertion", "exception"])
def test_a_failing_test_shows_what_the_checks_found_whatever_it_fails_of(suite, how):
    suite.test(f"""
class Broken:
    name = "broken"

    def run(self, folder, request):
        raise ZeroDivisionError("of the engine")

def test_it(fedjob, tmp_path):
    import shutil
    shutil.copytree(JOBS / "hello", tmp_path / "hello")
    (tmp_path / "hello/app/custom/random.py").write_text("")
    result = fedjob.simulate(tmp_path / "hello", engine={'"fake"' if how == "assertion" else "Broken()"})
    assert result.metric("accuracy").last > 0.99
""")
    suite.run().assert_outcomes(failed=1)
    suite.result.stdout.fnmatch_lines(
        [
            "Before the run the checks found:",
            "  error name-shadowed: app: custom/random.py",
            "    Python's own module 'random' hides it: custom/ is searched last",
            "    rename it",
        ],
        consecutive=True,
    )
