"""A training script in a process of its own: started beside its executor, fed with tasks through the Client API.

What `ScriptRun` is for scripts in the site's process. The command is the user's; how the Client API gets into it is
said in ``boot/sitecustomize.py``.
"""

from __future__ import annotations

import json
import logging
import os
import select
from pathlib import Path
from typing import TYPE_CHECKING

from fedjob.client.external import DUMP_SIGNAL, Packed, Said
from fedjob.engines.local.hub import Mailbox, Strand
from fedjob.engines.local.launch import Launch, check, environment, own_app, settings_of, with_originals
from fedjob.engines.local.process import Line, Process, signal_name
from fedjob.engines.local.script import log_value
from fedjob.exchange.fl_model import FLModel

if TYPE_CHECKING:
    from fedjob.engines.local.site_engine import SiteEngine

_log = logging.getLogger(__name__)

#: Seconds that a process has for its last lines when the next one is to be started.
_PATIENCE = 30.0
#: Seconds that it has once the run has failed: nothing it does counts any more.
_FAILED_PATIENCE = 1.0
#: Seconds that it has to write down where it stands.
_DUMP_TIME = 0.5


class ExternalRun:
    """One site's external script. The executor calls `exchange`."""

    def __init__(self, engine: SiteEngine, launch: Launch) -> None:
        self._engine = engine
        self._launch = launch
        self._child: Child | None = None
        self._count = 0
        self.stopped = False

    def start(self) -> None:
        """Start the process, if it is to live as long as the run. Raises ValueError if that is not possible."""
        own_app(self._engine)
        check(self._launch, environment(self._engine, self._launch), self._engine.app_dir)
        if self._launch.once:
            self._child = self._begin()

    def ready(self) -> None:
        """Wait until the script uses the Client API. Raises ValueError if it ends, or takes too long."""
        if self._child is not None:
            self._child.ready(self._launch.launch_timeout)

    def exchange(self, task: str, model: FLModel) -> FLModel | None:
        """Hand a task to the script; what it sends, or None if it will not: it has ended, or the run does."""
        if self.stopped:
            return None
        if not self._launch.once:
            if self._child is not None:
                self._child.join(_PATIENCE)
            self._child = self._begin()
            try:
                self.ready()
            except ValueError:
                return None
        if self._child is None:
            return None
        sent = self._child.exchange(task, model)
        if not self._launch.once:
            self._child.stop()
        return sent

    def end(self) -> None:
        """The run is over: the script's next look at the Client API says so."""
        self.stopped = True
        if self._child is not None:
            self._child.stop()

    def join(self, timeout: float) -> None:
        """Wait for the script's end, then say how it ended if that was an error nobody has heard of."""
        if self._child is not None:
            self._child.join(timeout)

    def _begin(self) -> Child:
        child = Child(self._engine, self._launch, self._count)
        self._count += 1
        child.start()
        return child


class Child:
    """One process of the script, the `number`-th of its site."""

    def __init__(self, engine: SiteEngine, launch: Launch, number: int) -> None:
        self._engine = engine
        self._launch = launch
        self._settings = settings_of(engine, launch, number)
        self._outcomes: Mailbox[FLModel | None] = engine.hub.mailbox()
        self._hello: Mailbox[None] = engine.hub.mailbox()
        self._process: Process
        self._strand: Strand
        #: The line to the script, once it has said hello.
        self._line: Line | None = None
        self._pid: int | None = None
        #: Tasks so far, and the message of the one that waits for its result.
        self._number = 0
        self._task: Said | None = None
        self._stopped = False
        self._ended = False
        self._status: int | None = None
        self._failures: list[Said] = []
        self._reported = False

    def start(self) -> None:
        engine = self._engine
        env = environment(engine, self._launch)
        env["FEDJOB_EXTERNAL"] = json.dumps(self._settings)
        self._process = Process(
            engine.hub,
            self._launch.command,
            cwd=engine.app_dir,
            env=env,
            log=engine.app_dir.parents[1] / "log.txt",
            address=Path(self._settings["socket"]),
        )
        self._strand = engine.hub.spawn(self._hear, name=f"{engine.name}: {self._launch.name}")
        engine.hub.on_stacks(self._stacks)

    def ready(self, timeout: float | None) -> None:
        try:
            self._hello.get(timeout)
        except TimeoutError:
            message = (
                f"{self._launch.name} did not use the Client API within its launch_timeout of {timeout:g} s"
            )
            self._report(("timeout", message, self._output()))
            self._process.kill()
            raise ValueError(message) from None
        if self._ended and self._line is None:
            self._report(self._cause())
            raise ValueError(f"{self._launch.name} ended before it used the Client API: {self._cause()[1]}")

    def exchange(self, task: str, model: FLModel) -> FLModel | None:
        self._number += 1
        self._task = {"kind": "task", "number": self._number, "task": task, "model": model}
        self._process.busy(True)
        if self._line is not None:
            self._line.send(self._task)
        sent = None
        if not self._ended and not self._stopped:
            try:
                sent = self._outcomes.get(self._launch.result_timeout)
            except TimeoutError:
                self._give_up()
        self._task = None
        if sent is None and self._ended and not self._stopped:
            self._report(self._cause())
        return sent

    def _give_up(self) -> None:
        seconds = self._launch.result_timeout
        self._report(("timeout", f"{self._launch.name} sent no result within {seconds:g} s", self._stacks()))
        self._process.kill()
        self._strand.join()

    def stop(self) -> None:
        if not self._stopped:
            self._stopped = True
            self._process.busy(True)
            if self._line is not None:
                self._line.send({"kind": "end"})
            self._outcomes.put(None)

    def join(self, timeout: float) -> None:
        self.stop()
        failed = self._engine.failed
        try:
            self._strand.join(_FAILED_PATIENCE if failed else timeout)
        except TimeoutError:
            if failed:
                self._reported = True
            message = f"{self._launch.name} was still running {timeout:g} s after it had nothing more to do"
            self._report(("deadline", message, self._stacks()))
            self._process.kill()
            self._strand.join()
        if self._status != 0:
            self._report(self._cause())

    # In a strand of its own.

    def _hear(self) -> None:
        """Take in what the process says, until its end."""
        try:
            while True:
                line, said = self._process.heard.get()
                if line is None:
                    self._status = said
                    return
                if said is None:
                    self._line = None if line is self._line else self._line
                else:
                    self._take(line, said)
        finally:
            self._ended = True
            self._line = None
            self._process.kill()
            Path(self._settings["stacks"]).unlink(missing_ok=True)
            self._outcomes.put(None)
            self._hello.put(None)

    def _take(self, line: Line, packed: Packed) -> None:
        try:
            said = packed.load()
        except Exception as error:
            self._failures.append(_unreadable(error))
            self._process.kill()
            return
        getattr(self, f"_take_{said['kind']}")(line, said)

    def _take_hello(self, line: Line, said: Said) -> None:
        if self._line is not None:
            reason = (
                f"process {self._pid} of this script uses the Client API already; use it in one process only"
            )
            line.send({"kind": "refused", "reason": reason})
            return
        self._line, self._pid = line, said["pid"]
        if self._task is not None:
            line.send(self._task)
        if self._stopped:
            line.send({"kind": "end"})
        self._hello.put(None)

    def _take_next(self, _line: Line, said: Said) -> None:
        """The script waits; if that is for us, nobody has to wait for it."""
        if said["number"] == self._number and not self._stopped:
            self._process.busy(False)

    def _take_result(self, line: Line, said: Said) -> None:
        if line is self._line and said["number"] == self._number and self._task is not None:
            self._task = None
            self._outcomes.put(said["model"])
        else:
            _log.warning("%s sent another result for a task; it is dropped", self._launch.name)

    def _take_log(self, _line: Line, said: Said) -> None:
        log_value(
            self._engine, said["key"], said["value"], said["data_type"], said["kwargs"], self._launch.publish
        )

    def _take_stop(self, _line: Line, _said: Said) -> None:
        """It wants no more tasks; its end will say the rest."""

    def _take_failed(self, _line: Line, said: Said) -> None:
        self._failures.append(said)

    # How it ended.

    def _cause(self) -> tuple[str, str, str | None]:
        """Kind, message and traceback of the end."""
        name, status = self._launch.name, self._status
        if status == 0:
            return "no_send", f"{name} ended without sending a result for this task", None
        if self._failures and (status is None or status > 0):
            return self._failure()
        if status is None:
            return "killed", f"the process that holds {name} was killed", self._output()
        if status < 0:
            return "killed", f"the process of {name} was killed by {signal_name(-status)}", self._output()
        return "exit", f"{name} ended with exit status {status}", self._output()

    def _output(self) -> str | None:
        output = with_originals(self._process.tail(), self._engine)
        return f"the end of its output:\n{output}" if output else None

    def _failure(self) -> tuple[str, str, str | None]:
        # The script's own error says more than that of a launcher which it ended, or of a tool that it ran.
        own = [f for f in self._failures if f["main"] == self._launch.name]
        launched = [f for f in self._failures if f["pid"] == self._process.pid]
        failure = (own or launched or self._failures)[0]
        trace = with_originals(failure["traceback"], self._engine)
        if failure["missing"]:
            message = f"{self._launch.name}: {failure['message']}; it is not installed and did not travel in custom/"
            return "missing_module", message, trace
        return "exception", f"{failure['type']}: {failure['message']}", trace

    def _report(self, cause: tuple[str, str, str | None]) -> None:
        if self._reported:
            return
        self._reported = True
        number, task = self._engine.work
        kind, message, trace = cause
        self._engine.record.error(
            site=self._engine.name, round=number, task=task, kind=kind, message=message, traceback=trace
        )

    def _stacks(self) -> str:
        """Where the script stands, asked of its process; empty if it does not say."""
        path = Path(self._settings["stacks"])
        if not self._process.is_busy or self._pid is None or not path.exists():
            return ""
        os.truncate(path, 0)
        os.kill(self._pid, DUMP_SIGNAL)
        for _ in range(20):
            select.select([], [], [], _DUMP_TIME / 20)
            text = path.read_text(encoding="utf-8", errors="replace")
            if text.endswith("\n"):
                return f"process of {self._launch.name}:\n{with_originals(text, self._engine)}"
        return ""


def _unreadable(error: Exception) -> Said:
    return {
        "pid": None,
        "main": None,
        "missing": False,
        "type": "ExchangeError",
        "message": f"what the script sent cannot be read by its site: {type(error).__name__}: {error}",
        "traceback": None,
    }
