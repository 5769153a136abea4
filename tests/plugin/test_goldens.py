"""The life of a golden in a user's repo, each state with its whole message."""

import re

import pytest

pytest_plugins = ["pytester"]

CONFIG = """
def test_config(fedjob):
    fedjob.golden(JOBS / "hello")
"""
GOLDEN = "goldens/test_it/test_config.yaml"


def outcomes(result, **expected):
    result.assert_outcomes(**expected)
    return result.ret


def test_the_whole_life(suite):
    suite.test(CONFIG)
    # Missing: written, and said.
    assert outcomes(suite.run(), passed=1) == 0
    assert suite.summary == f"goldens: 1 written\n  written: {GOLDEN}\n  Review them and commit them."
    # Equal.
    assert outcomes(suite.run("--fedjob-golden=check"), passed=1) == 0
    assert suite.summary == "goldens: 1 equal"
    # Differs.
    suite.job(num_rounds=3)
    assert outcomes(suite.run(), failed=1) == 1
    assert suite.failure == (
        f"Failed: golden {GOLDEN} differs in 1 place:\n"
        "\n"
        "  changed: app: server.workflows[controller].args.num_rounds\n"
        "    expected: 5\n"
        "    obtained: 3\n"
        "\n"
        "Accept what was obtained: pytest test_it.py::test_config --fedjob-golden=update\n"
        f"The obtained content is in {GOLDEN}.new; see all such files: fedjob golden review"
    )
    assert suite.summary == "goldens: 1 differs"
    assert "num_rounds: 3" in suite.read(f"{GOLDEN}.new")
    # Updated.
    assert outcomes(suite.run("--fedjob-golden=update"), passed=1) == 0
    assert suite.summary == f"goldens: 1 updated\n  updated: {GOLDEN}\n  Review them and commit them."
    assert "num_rounds: 3" in suite.read(GOLDEN)
    assert not (suite.path / f"{GOLDEN}.new").exists()
    # A check after an update is green.
    assert outcomes(suite.run("--fedjob-golden=check"), passed=1) == 0


def test_missing_when_only_checked(suite):
    suite.test(CONFIG)
    assert outcomes(suite.run("--fedjob-golden=check"), failed=1) == 1
    assert suite.failure == (
        f"Failed: golden {GOLDEN} is missing, and goldens are only checked in this run.\n"
        f"The obtained content is in {GOLDEN}.new; see all such files: fedjob golden review\n"
        "Write it where you can review it, and commit it: "
        "pytest test_it.py::test_config --fedjob-golden=new"
    )
    assert suite.summary == "goldens: 1 missing"
    assert not (suite.path / GOLDEN).exists()


def test_ci_only_checks(suite, monkeypatch):
    monkeypatch.setenv("CI", "true")
    suite.test(CONFIG)
    assert outcomes(suite.run(), failed=1) == 1
    assert not (suite.path / GOLDEN).exists()


def test_ci_refuses_an_update_without_a_second_flag(suite, monkeypatch):
    monkeypatch.setenv("CI", "true")
    suite.test(CONFIG)
    assert suite.run("--fedjob-golden=update").ret == pytest.ExitCode.USAGE_ERROR
    assert (
        "ERROR: --fedjob-golden=update would write goldens under CI, where nobody reviews them; "
        "run it locally, or add --fedjob-golden-allow-ci"
    ) in suite.result.errlines
    assert outcomes(suite.run("--fedjob-golden=update", "--fedjob-golden-allow-ci"), passed=1) == 0
    assert (suite.path / GOLDEN).exists()


def test_the_mode_can_stand_in_the_ini_file(suite):
    suite.test(CONFIG)
    suite.write("pytest.ini", "[pytest]\nfedjob_golden = sometimes\n")
    assert suite.run().ret == pytest.ExitCode.USAGE_ERROR
    assert (
        "ERROR: fedjob_golden is 'sometimes'; it must be one of auto, check, new, update"
    ) in suite.result.errlines
    suite.write("pytest.ini", "[pytest]\nfedjob_golden = check\n")
    assert outcomes(suite.run(), failed=1) == 1


def test_names(suite):
    suite.test("""
@pytest.mark.parametrize("x", ["a", "b/c", "b_c"])
def test_param(fedjob, x):
    fedjob.golden(JOBS / "hello")
    fedjob.golden(JOBS / "hello")

class TestGroup:
    def test_param(self, fedjob):
        fedjob.golden(JOBS / "hello")

@pytest.mark.xdist_group("g")
def test_named(fedjob):
    fedjob.golden(JOBS / "hello", name="shared")

def test_named_too(fedjob):
    fedjob.golden(JOBS / "hello", name="shared")
""")
    assert outcomes(suite.run(), passed=6) == 0
    names = sorted(p.name for p in (suite.path / "goldens/test_it").iterdir())
    odd = next(n for n in names if re.fullmatch(r"test_param-b_c-[0-9a-f]{8}\.yaml", n)).removesuffix(".yaml")
    assert names == sorted([
        "TestGroup.test_param.yaml",
        "shared.yaml",
        "test_param-a-2.yaml",
        "test_param-a.yaml",
        f"{odd}-2.yaml",
        f"{odd}.yaml",
        "test_param-b_c-2.yaml",
        "test_param-b_c.yaml",
    ])  # fmt: skip


def test_a_path_bearing_name(suite):
    suite.test("""
def test_config(fedjob):
    fedjob.golden(JOBS / "hello", name="../x")
""")
    assert outcomes(suite.run(), failed=1) == 1
    assert suite.failure == (
        "fedjob.errors.GoldenError: golden name '../x' is not a plain file name; "
        "use letters, digits, '.', '_', '-'"
    )


def test_two_contents_for_one_golden(suite):
    suite.test("""
def test_a(fedjob):
    fedjob.golden(JOBS / "hello", name="one")

def test_b(fedjob, tmp_path):
    import json, shutil
    shutil.copytree(JOBS / "hello", tmp_path / "hello")
    meta = tmp_path / "hello/meta.json"
    meta.write_text(json.dumps({**json.loads(meta.read_text()), "min_clients": 7}))
    fedjob.golden(tmp_path / "hello", name="one")
""")
    for mode in ("new", "update"):
        assert outcomes(suite.run(f"--fedjob-golden={mode}"), passed=1, failed=1) == 1
        (suite.path / "goldens/test_it/one.yaml").unlink()
        assert re.fullmatch(
            r"fedjob.errors.GoldenError: golden goldens/test_it/one.yaml got two different contents in this "
            r"session, from test_it.py::test_[ab] and from test_it.py::test_[ab]; give each its own name: "
            r"fedjob.golden\(..., name=...\)",
            suite.failure,
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"golden {GOLDEN} is empty; restore or update it"),
        (
            "golden: 7\nkind: job\n",
            f"golden {GOLDEN} has another format than 1; update it, or use the fedjob that wrote it",
        ),
        (
            "golden: 1\ngolden: 1\n",
            f"golden {GOLDEN} is not YAML (line 2): key 'golden' stands twice in one mapping; restore or update it",
        ),
        (
            "a: 1\n<<<<<<< HEAD\n",
            f"golden {GOLDEN} holds the conflict markers of a merge (line 2); resolve them first",
        ),
    ],
)
def test_an_unreadable_golden(suite, text, message):
    suite.test(CONFIG)
    suite.write(GOLDEN, text)
    assert outcomes(suite.run(), failed=1) == 1
    assert suite.failure.splitlines()[-1] == f"fedjob.errors.GoldenError: {message}"
    assert suite.read(GOLDEN) == text
    assert outcomes(suite.run("--fedjob-golden=update"), passed=1) == 0


def test_a_golden_that_is_no_text(suite):
    suite.test(CONFIG)
    suite.write(GOLDEN, "")
    (suite.path / GOLDEN).write_bytes(b"golden: \xff\n")
    assert outcomes(suite.run(), failed=1) == 1
    assert suite.failure.splitlines()[-1] == (
        f"fedjob.errors.GoldenError: golden {GOLDEN} is not UTF-8 text (byte 8); restore or update it"
    )
    assert outcomes(suite.run("--fedjob-golden=update"), passed=1) == 0
    assert outcomes(suite.run("--fedjob-golden=check"), passed=1) == 0


BODIES = """
def test_config(fedjob):
    fedjob.golden(JOBS / "hello", bodies=["custom/src/t*.py"])
"""


def test_files_on_request_with_their_text(suite):
    suite.test(CONFIG)
    assert outcomes(suite.run(), passed=1) == 0
    # Asked for later: the golden has to get the text first.
    suite.test(BODIES)
    assert outcomes(suite.run("--fedjob-golden=check"), failed=1) == 1
    assert suite.failure.startswith(
        f"Failed: golden {GOLDEN} differs in 1 place:\n"
        "\n"
        "  added: app: custom/src/train.py.text\n"
        "    obtained: 36 bytes of text, which the golden does not hold yet\n"
    )
    assert outcomes(suite.run("--fedjob-golden=update"), passed=1) == 0
    assert ("      custom/src/train.py:\n        sha256: ") in suite.read(GOLDEN)
    assert "        text: |2+\n          class Trainer: ...\n          class Audit: ...\n" in suite.read(
        GOLDEN
    )
    assert outcomes(suite.run("--fedjob-golden=check"), passed=1) == 0
    # A change is then shown line by line.
    suite.write("jobs/hello/app/custom/src/train.py", "class Trainer: ...\nclass Auditor: ...\n")
    assert outcomes(suite.run("--fedjob-golden=check"), failed=1) == 1
    assert (
        "    @@ -1,2 +1,2 @@\n     class Trainer: ...\n    -class Audit: ...\n    +class Auditor: ...\n"
    ) in suite.failure
    # No longer asked for: the golden still says the same of the job.
    suite.test(CONFIG)
    suite.write("jobs/hello/app/custom/src/train.py", "class Trainer: ...\nclass Audit: ...\n")
    assert outcomes(suite.run("--fedjob-golden=check"), passed=1) == 0


def test_match_and_ignore(suite):
    suite.test("""
def test_config(fedjob):
    fedjob.golden(JOBS / "hello", ignore=["server.workflows[controller].args", "custom/src"])

def test_structure(fedjob):
    fedjob.golden(JOBS / "hello", match="structure")

def test_unknown(fedjob):
    fedjob.golden(JOBS / "hello", match="fuzzy")
""")
    suite.run("-k", "not unknown")
    suite.job(num_rounds=3)
    assert outcomes(suite.run("--fedjob-golden=check"), passed=2, failed=1) == 1
    assert suite.failure == (
        "fedjob.errors.GoldenError: match='fuzzy' is unknown; choose one of exact, structure, subset"
    )


def test_machine_paths_and_uuids_are_normalised(suite, monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    suite.test("""
import json, uuid

def test_config(fedjob, tmp_path):
    import shutil
    shutil.copytree(JOBS / "hello", tmp_path / "hello")
    config = tmp_path / "hello/app/config/config_fed_server.json"
    data = json.loads(config.read_text())
    name = str(uuid.uuid4())
    data["components"][0]["id"] = name
    data["workflows"][0]["args"].update(persistor_id=name, data=str(tmp_path / "data.csv"), home=str(Path.home() / "x"))
    config.write_text(json.dumps(data))
    fedjob.golden(tmp_path / "hello")
""")
    assert outcomes(suite.run(), passed=1) == 0
    assert outcomes(suite.run("--fedjob-golden=check"), passed=1) == 0
    text = suite.read(GOLDEN)
    assert "normalised: [tmp, home, uuid]\n" in text
    assert 'data: "<tmp>/data.csv"\n' in text
    assert 'home: "<home>/x"\n' in text
    assert text.count("<uuid-1>") == 2


def test_a_normaliser_of_the_users_own(suite):
    suite.write(
        "conftest.py",
        "import re\n"
        "from fedjob.golden.normalise import Normaliser\n"
        "def pytest_fedjob_normalisers(config):\n"
        "    return [Normaliser(name='cluster', pattern=re.compile('hello'), replacement='<job>')]\n",
    )
    suite.test(CONFIG)
    assert outcomes(suite.run(), passed=1) == 0
    assert 'normalised: [cluster]\nmeta:\n  name: "<job>"\n' in suite.read(GOLDEN)


def test_goldens_per_release(suite):
    suite.test("""
from fedjob.job import FedJob

class Job(FedJob):
    def freeze(self, release):
        from dataclasses import replace
        from fedjob.folder.read import read
        model = read(JOBS / "hello")
        return replace(model, meta=replace(model.meta, min_clients=1)) if release == "2.6" else model

@pytest.mark.parametrize("release", ["2.9", "2.8", "2.6"])
def test_config(fedjob, release):
    fedjob.golden(Job(), name="job", release=release)
""")
    assert outcomes(suite.run("-k", "2.9"), passed=1) == 0
    # 2.8 exports the same; 2.6 differs until it has a file of its own.
    assert outcomes(suite.run("--fedjob-golden=check"), passed=2, failed=1) == 1
    assert outcomes(suite.run("--fedjob-golden=update", "-k", "2.6"), passed=1) == 0
    assert outcomes(suite.run("--fedjob-golden=check"), passed=3) == 0
    assert sorted(p.name for p in (suite.path / "goldens/test_it").glob("*.yaml")) == [
        "job.yaml",
        "job@2.6.yaml",
    ]


def test_a_secret_is_not_written_into_a_golden(suite):
    suite.write("jobs/hello/app/custom/key.py", "TOKEN = 'hf_" + "a" * 34 + "'\n")
    suite.test(CONFIG)
    assert outcomes(suite.run(), failed=1) == 1
    assert suite.failure == (
        "fedjob.errors.GoldenError: a golden is committed, but a Hugging Face token stands here in the clear "
        "(app: custom/key.py:1); take it out, revoke it, and read it at the site"
    )
    assert not (suite.path / GOLDEN).exists()


RESULT = """
def test_metrics(fedjob):
    rounds = [{"accuracy": float(v), "loss": 1.0} for v in Path(__file__).with_name("values").read_text().split()]
    result = fedjob.simulate(JOBS / "hello", engine=FakeEngine(rounds=rounds))
    fedjob.golden(result, rtol={"accuracy": 0.01})
"""


def test_metric_goldens(suite):
    suite.test(RESULT)
    suite.write("values", "0.5 0.8")
    assert outcomes(suite.run(), passed=1) == 0
    suite.write("values", "0.501 0.8")
    assert outcomes(suite.run("--fedjob-golden=check"), passed=1) == 0
    suite.write("values", "0.501 0.9")
    assert outcomes(suite.run(), failed=1) == 1
    assert suite.failure.startswith(
        "Failed: golden goldens/test_it/test_metrics.yaml differs in 3 places:\n"
        "\n"
        "  changed: accuracy: round 1, server\n"
        "    expected: 0.8\n"
        "    obtained: 0.9\n"
    )
    assert outcomes(suite.run("--fedjob-golden=update"), passed=1) == 0
    # Only what left its tolerance was rewritten.
    assert "server: [0.5, 0.9]\n" in suite.read("goldens/test_it/test_metrics.yaml")


TWO = """
def test_a(fedjob):
    fedjob.golden(JOBS / "hello")

def test_b(fedjob):
    fedjob.golden(JOBS / "hello")
"""
ONE = TWO.partition("def test_b")[0]


def test_orphans_are_named_and_pruned_only_on_request(suite):
    suite.test(TWO)
    suite.test(TWO, "test_other.py")
    assert outcomes(suite.run(), passed=4) == 0
    suite.test(ONE)
    (suite.path / "test_other.py").unlink()
    suite.write("goldens/test_it/notes.yaml", "mine: 1\n")
    assert outcomes(suite.run(), passed=1) == 0
    gone = ["goldens/test_it/test_b.yaml", "goldens/test_other/test_a.yaml", "goldens/test_other/test_b.yaml"]
    assert suite.summary == (
        "goldens: 1 equal\n"
        "3 goldens unused:\n"
        + "".join(f"  {path}\n" for path in gone)
        + "  Delete them with a full run: pytest --fedjob-golden-prune"
    )
    assert outcomes(suite.run("--fedjob-golden-prune"), passed=1) == 0
    assert suite.summary == "goldens: 1 equal\n" + "\n".join(f"  deleted, no test used it: {p}" for p in gone)
    left = sorted(p.name for p in (suite.path / "goldens").rglob("*.yaml"))
    assert left == ["notes.yaml", "test_a.yaml"]


@pytest.mark.parametrize(
    "why",
    ["-k test_a", "-m not(slow)", "--deselect=test_it.py::test_b", "test_it.py::test_a", "failed", "skipped"],
)
def test_a_partial_or_failed_run_has_no_orphans(suite, why):
    suite.write("pytest.ini", "[pytest]\nmarkers = slow\n")
    suite.test(TWO.replace("def test_b", "@pytest.mark.slow\ndef test_b"))
    assert outcomes(suite.run(), passed=2) == 0
    if why in ("failed", "skipped"):  # after its golden, so that the other one is an orphan
        suite.test(ONE + f"    pytest.{'fail' if why == 'failed' else 'skip'}('x')\n")
    arguments = why.split(" ", 1) if why[0] in "-t" else []
    suite.run("--fedjob-golden-prune", *arguments)
    assert suite.result.parseoutcomes().get("passed", 0) == (0 if why in ("failed", "skipped") else 1)
    assert "unused" not in suite.summary
    assert (suite.path / "goldens/test_it/test_b.yaml").exists()


SCRIPT = """
from nvflare.app_common.workflows.fedavg import FedAvg
from nvflare.job_config.api import FedJob
from nvflare.job_config.script_runner import FrameworkType, ScriptRunner

job = FedJob(name="scripted")
job.to_server(FedAvg(num_clients=2, num_rounds=2))
job.to_clients(ScriptRunner(script="fl.py", framework=FrameworkType.NUMPY))
job.export_job("out")
"""


def test_a_scripts_job_is_for_the_release_that_is_asked_for(suite):
    """Whichever FLARE is installed, if any."""
    suite.write("job.py", SCRIPT)
    suite.write("fl.py", "")
    suite.test("""
def test_config(fedjob):
    fedjob.golden(fedjob.script("job.py"))
""")
    assert outcomes(suite.run("--fedjob-release=2.6"), passed=1) == 0
    assert 'release: "2.6"\n' in suite.read(GOLDEN)
    assert "InProcessClientAPIExecutor" in suite.read(GOLDEN)
    # Another release differs until it has a file of its own, and then each run finds its own.
    assert outcomes(suite.run("--fedjob-release=2.9"), failed=1) == 1
    assert outcomes(suite.run("--fedjob-release=2.9", "--fedjob-golden=update"), passed=1) == 0
    assert "ClientAPIExecutor" in suite.read(GOLDEN.replace(".yaml", "@2.9.yaml"))
    for release in ("2.6", "2.9"):
        assert outcomes(suite.run(f"--fedjob-release={release}", "--fedjob-golden=check"), passed=1) == 0
