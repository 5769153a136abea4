"""Sites that share a worker have a home of their own as soon as they need one, and their own view of the process."""

from __future__ import annotations

import importlib
import os
import sys
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from types import ModuleType

import pytest

from fedjob.components.roles import Widget
from fedjob.engines.local.context import Context, CustomCode
from fedjob.engines.local.plan import cores
from fedjob.engines.local.tripwire import Tripwire, _leads_to
from jobs import ONE_CORE, has_own_server, run, script_job

SITES = 8

#: `first` is done in the first round, `each` in every round.
SCRIPT = """
import ctypes, os, pathlib, subprocess, sys
import nvflare.client as flare

flare.init()
site = flare.get_site_name()
home = os.path.join({ws!r}, site)
first = site in ("site-3", "site-6")
while flare.is_running():
    model = flare.receive()
    if first:
        {body}
    flare.send(flare.FLModel(params={{k: v + 1 for k, v in model.params.items()}}, metrics={{"m": 1.0}}))
"""


def homes(tmp_path):
    return {f"site-{n + 1}" for n in range(SITES) if (tmp_path / "ws" / f"site-{n + 1}").exists()}


@pytest.fixture(params=["shared", ONE_CORE])
def shared(request, tmp_path, monkeypatch):
    """Run a shared job in which the third and the sixth site do something of their own in each round."""
    monkeypatch.chdir(tmp_path)

    def go(body, prepare=lambda job: None):
        source = SCRIPT.format(ws=str(tmp_path / "ws"), body=body.strip().replace("\n", "\n        "))
        job = script_job(tmp_path, source, sites=SITES, rounds=3)
        prepare(job)
        result = run(job, tmp_path, isolation=request.param, n_clients=SITES)
        assert result.ok, result.errors
        assert len(result.rounds) == 3
        return result

    # A worker has its log in the home of its first party.
    apart = has_own_server(request.param)
    go.first = {f"site-{n + 1}" for n in range(min(SITES, cores()))} if apart else set()
    return go


def test_sites_that_touch_no_file_have_no_home(shared, tmp_path):
    shared("pass")
    assert homes(tmp_path) == shared.first


BODIES = {
    "a relative file": """
with open("mine.txt", "a") as f: f.write(site)
""",
    "an absolute file": """
with open(os.path.join(home, "mine.txt"), "a") as f: f.write(site)
""",
    "a path of pathlib": """
path = pathlib.Path("mine.txt")
path.write_text((path.read_text() if path.exists() else "") + site)
""",
    "where it stands": """
assert os.getcwd() == str(pathlib.Path.cwd()) == home, os.getcwd()
with open(os.getcwd() + "/mine.txt", "a") as f: f.write(site)
""",
    "a child process": """
subprocess.run([sys.executable, "-S", "-c", f"open('mine.txt', 'a').write('{site}')"], check=True)
""",
    "a library in C": """
libc = ctypes.CDLL(None)
fd = libc.open(b"mine.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
libc.write(fd, site.encode(), len(site))
libc.close(fd)
""",
    "a directory": """
os.makedirs("deep/down", exist_ok=True)
with open("deep/down/x", "a") as f: f.write(site)
os.replace("deep/down/x", "mine.txt") if model.current_round == 2 else None
""",
    "a directory to stand in": """
if model.current_round == 0:
    os.mkdir("inner")
    os.chdir("inner")
assert os.getcwd() == home + "/inner"
with open("../mine.txt", "a") as f: f.write(site)
""",
}


@pytest.mark.parametrize("kind", list(BODIES))
def test_what_a_site_writes_is_in_its_own_home(shared, tmp_path, kind):
    shared(BODIES[kind])
    for site in ("site-3", "site-6"):
        assert (tmp_path / "ws" / site / "mine.txt").read_text() == site * 3
        assert (tmp_path / "ws" / site / "simulate_job" / f"app_{site}" / "custom").is_dir()
    assert homes(tmp_path) == shared.first | {"site-3", "site-6"}
    lobbies = list((tmp_path / "ws").glob(".fedjob-apps/.lobby/*/*"))
    assert lobbies == []


def test_what_a_site_prints_is_in_its_own_home(shared, tmp_path):
    shared('print("said by", site)')
    for site in ("site-3", "site-6"):
        assert (tmp_path / "ws" / site / "log.txt").read_text() == f"said by {site}\n" * 3


def test_each_site_has_its_own_environment_and_module_path(shared):
    shared("""
assert os.environ.get("MINE", "") == site * model.current_round, os.environ.get("MINE")
os.environ["MINE"] = site * (model.current_round + 1)
sys.path.append(f"/{site}")
assert sys.path.count("/site-3") + sys.path.count("/site-6") == model.current_round + 1
""")


class Idle(Widget):
    """A component of the user's that has nothing to do with files."""


def test_a_component_of_the_users_needs_no_home_by_itself(shared, tmp_path):
    shared("pass", prepare=lambda job: job.to_clients(Idle(), id="idle"))
    assert homes(tmp_path) == shared.first


#: What a component does when its run starts; `ctx` is its context, `found` what it learns.
QUESTIONS = {
    "the app's root": 'found = os.path.dirname(os.path.dirname(ctx.get_prop("__app_root__")))',
    "the workspace's root": 'found = ctx.get_prop("__workspace_root__")',
    "the workspace": 'found = ctx.get_prop("__workspace_object__").get_root_dir()',
    "the workspace, of the context": "found = ctx.get_workspace().get_root_dir()",
    "the workspace, of the engine": "found = ctx.get_engine().get_workspace().get_root_dir()",
    "a prop with its attributes": 'found = ctx.get_prop_detail("__workspace_root__")["value"]',
    "a copied context": 'found = ctx.clone().get_prop("__workspace_root__")',
    "the current directory": "found = os.getcwd()",
    "in a thread": """
import threading
asked = []
thread = threading.Thread(target=lambda: asked.append(ctx.get_prop("__workspace_root__")))
thread.start(); thread.join()
found = asked[0]
""",
    "a variable of the configuration": "found = self.given",
    "a variable within a text": "found = self.given.removeprefix('in ')",
}

ASKING = """
import os
from fedjob.components.roles import Widget


class Asking(Widget):
    def __init__(self, given=""):
        super().__init__()
        self.given = given

    def handle_event(self, event_type, ctx):
        if event_type == "_start_run" and ctx.get_identity_name() in ("site-3", "site-6"):
            {body}
            # os.stat is heard of by nobody.
            inside = [os.path.isdir(os.path.join(found, name)) for name in ("", "startup", "local")]
            app = os.path.join(found, "simulate_job", "app_" + ctx.get_identity_name(), "config")
            print("at", found, *inside, os.path.isdir(app), flush=True)
"""


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_component_that_asks_where_it_is_has_its_home(shared, tmp_path, monkeypatch, question):
    source = tmp_path / "src"
    source.mkdir(exist_ok=True)
    body = QUESTIONS[question].strip().replace("\n", "\n            ")
    (source / "asking.py").write_text(ASKING.format(body=body))
    monkeypatch.syspath_prepend(str(source))
    monkeypatch.delitem(sys.modules, "asking", raising=False)
    asking = importlib.import_module("asking")
    given = {"a variable of the configuration": "{WORKSPACE}", "a variable within a text": "in {WORKSPACE}"}
    part = asking.Asking(given.get(question, ""))
    shared("pass", prepare=lambda job: job.to_clients(part, id="asking"))
    for site in ("site-3", "site-6"):
        home = tmp_path / "ws" / site
        assert (home / "log.txt").read_text() == f"at {home} True True True True\n"
    everybody = {f"site-{n + 1}" for n in range(SITES)}
    assert homes(tmp_path) == (everybody if question in given else shared.first | {"site-3", "site-6"})


class Resident:
    awaited = "/ws/site-1"
    moved = environ_touched = False

    def settle(self):
        self.awaited = None


@pytest.fixture
def wire(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "addaudithook", lambda hook: None)
    return Tripwire(tmp_path / "lobby")


def test_a_home_that_a_thread_asks_for_in_the_turn_of_another_is_made_and_not_moved_to(wire, tmp_path):
    made = []
    context = Context(
        "site-1",
        cwd=str(tmp_path / "home"),
        custom=CustomCode(tmp_path, [], set()),
        seed=0,
        base={},
        tripwire=wire,
        make_home=lambda: made.append("home"),
    )
    before = os.getcwd()
    wire.running = Resident()
    context.have_home()
    assert made == ["home"]
    assert os.getcwd() == before
    assert context.awaited == str(tmp_path / "home")


@pytest.mark.parametrize(
    ("event", "args", "settles"),
    [
        ("open", ("data.csv", "r", 0), True),
        ("open", (b"data.csv", "r", 0), True),
        ("open", ("/ws/site-1/data.csv", "r", 0), True),
        ("open", ("/ws/site-10/data.csv", "r", 0), False),
        ("open", ("/usr/lib/x.py", "r", 0), False),
        ("open", (3, "r", 0), False),
        ("os.listdir", (None,), True),
        ("os.rename", ("/tmp/x", "y"), True),
        ("os.rename", ("/tmp/x", "/tmp/y"), False),
        ("subprocess.Popen", ("/bin/ls",), True),
        ("import", ("os", None, [], [], []), False),
        ("os.putenv", (b"A", b"b"), False),
    ],
)
def test_what_gives_a_site_its_home(wire, event, args, settles):
    resident = Resident()
    wire.running = resident
    wire._hear(event, args)
    assert (resident.awaited is None) is settles
    assert resident.environ_touched is (event == "os.putenv")


def test_nothing_is_heard_between_turns_or_in_silence(wire):
    resident = Resident()
    wire._hear("open", ("x", "r", 0))
    wire.running = resident
    with wire.silent():
        wire._hear("open", ("x", "r", 0))
    assert wire.running is resident
    wire.running = None
    wire._hear("open", ("x", "r", 0))
    assert resident.awaited is not None


@pytest.mark.parametrize(
    ("event", "args", "looks"),
    [
        ("import", ("scipy.linalg._fblas", "/x/_fblas.so", None, None, None), True),
        ("import", ("scipy.linalg", None, [], [], []), False),
        ("import", ("numpy.fft._pocketfft", "/x/_pocketfft.so", None, None, None), False),
        ("import", ("_sqlite3", "/x/_sqlite3.so", None, None, None), False),
        ("ctypes.dlopen", ("libc.so.6",), True),
        ("ctypes.dlsym", (object(), "open"), True),
        ("open", ("/x", "r", 0), False),
    ],
)
def test_the_lobby_is_looked_at_once_code_in_c_may_write(wire, event, args, looks):
    wire.is_native = False
    wire.running = Resident()
    wire._hear(event, args)
    assert wire.is_native is looks


def test_what_lies_in_the_lobby_after_a_turn_gives_the_site_its_home(wire):
    resident = Resident()
    wire.look(resident)
    assert resident.awaited is not None
    open(f"{wire.lobby}/left", "w").close()
    wire.look(resident)
    assert resident.awaited is None


def test_a_library_that_was_there_before_is_known(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "addaudithook", lambda hook: None)
    spec = ModuleSpec("foreign.fast", ExtensionFileLoader("foreign.fast", "/x/fast.so"))
    module = ModuleType(spec.name)
    module.__spec__ = spec
    monkeypatch.setitem(sys.modules, spec.name, module)
    assert Tripwire(tmp_path / "one").is_native


def test_paths_that_lead_home():
    assert _leads_to("/ws/a", "/ws/a")
    assert not _leads_to("/ws/a", "/ws/ab")
    assert not _leads_to("/ws/a", object())
