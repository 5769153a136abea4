"""Hosts some of a run's parties in this process: their strands, contexts and links.

The same in a worker (one site, or many) and in the test process (all of them and the server).
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

from fedjob.engines.local import custom
from fedjob.engines.local.cable import Cable
from fedjob.engines.local.clock import cooperative_sleep
from fedjob.engines.local.context import Context, CustomCode, environ_now
from fedjob.engines.local.custom import Custom, Originals, user_traceback
from fedjob.engines.local.generators import LIBRARY_OF
from fedjob.engines.local.hub import Hub, Killed, Mailbox, Swap
from fedjob.engines.local.imports import OnImport
from fedjob.engines.local.layout import apps_of
from fedjob.engines.local.link import Link, pair
from fedjob.engines.local.output import Output
from fedjob.engines.local.place import Place
from fedjob.engines.local.plan import Plan, Shard, names_places
from fedjob.engines.local.quiet import Quiet
from fedjob.engines.local.record import Recorder
from fedjob.engines.local.seat import Seat
from fedjob.engines.local.threads import LATE
from fedjob.engines.local.tripwire import Tripwire
from fedjob.engines.request import SERVER
from fedjob.errors import Stalled
from fedjob.flare import shim


class Resting(Protocol):
    """A party that waits without a strand of its own, which among thousands would take memory."""

    def rest(self, go_on: Callable[[Play], None]) -> None:
        """Call `go_on` with what there is to do once there is something; its outcome is as the first one's."""


#: What a party does: True if it came to its end well.
Play = Callable[[], "bool | Resting"]


class Host:
    """Runs `shard`; `sockets` lead to the other workers of the run, by shard number."""

    def __init__(
        self,
        plan: Plan,
        shard: Shard,
        *,
        path: list[str],
        sockets: Mapping[int, socket.socket] | None = None,
        place: Place | None = None,
        shared: set[str] | None = None,
    ) -> None:
        """`path` is the sites' ``sys.path`` without ``custom/``; `shared` the names in ``custom/`` for which
        modules of this process serve.
        """
        self.plan = plan
        self.shard = shard
        # A worker ends with the run: what was done to its process has not to be undone.
        self._is_worker = place is not None
        self.hub = Hub(for_life=self._is_worker)
        self.record = Recorder(
            plan.layout.events,
            start=plan.start,
            place=place,
            # What a site's code brings down is not to take the server's record along.
            gather=SERVER in shard and not (self._is_worker and len(shard) > 1),
            many=len(shard) > 1,
        )
        self.hub.on_rest(self._flush)
        self._path = path
        self._shared = shared or set()
        self._environ = environ_now()
        layout = plan.layout
        apps = {app.name: app for app in plan.model.apps}
        #: What is deployed to each party, if anything is.
        self._apps = {name: apps.get(app or "") for name, app in apps_of(plan.model, shard).items()}
        # Asked once for each app.
        one = {layout.shared[name]: self._apps[name] for name in shard if name in layout.shared}
        patient = {place for place, app in one.items() if not names_places(app)}
        #: The parties whose home is made when it is asked for.
        self._patient = {name for name in shard if layout.shared.get(name) in patient}
        self._tripwire: Tripwire | None = None
        self._cables = {number: Cable(self.hub, sock) for number, sock in (sockets or {}).items()}
        if SERVER in shard and self._cables:
            Quiet(self.hub, list(self._cables.values()))
        #: Called when user code has imported one of `threads.LATE`.
        self.on_threads: Callable[[], None] | None = None
        self._ok = True
        self._has_server = SERVER in shard
        #: The parties that are over.
        self._over: Mailbox[str] = self.hub.mailbox()
        #: Of apps that sites have in common, by where their files are.
        self._customs: dict[str, CustomCode] = {}
        seed = plan.request.seed
        #: Asked of the system once for all parties, whose numbers differ by their names.
        self._seed: int | str = secrets.token_hex(16) if seed is None else seed

    def take_seat(self) -> None:
        """Have this process, the server's, stay out of its workers' way."""
        cables = list(self._cables.values())
        seat = Seat(cables)
        for cable in cables:
            cable.on_messages = seat.choose

    def run(self) -> bool:
        """Run the parties to their end; True if all of them were well."""
        with self._process_ready():
            main = self.hub.spawn(self._parties, name="parties")
            try:
                self.hub.run(main)
            except Stalled as error:
                self._fail(self.shard[0], error)
            finally:
                self.hub.close()
                for cable in self._cables.values():
                    cable.close()
                self.record.close()
        return self._ok

    @contextmanager
    def _process_ready(self) -> Iterator[None]:
        """What the parties find in the process while they run: importer, shim, sleep."""
        # Thousands of sites have theirs in common.
        layout = self.plan.layout
        names = {layout.source_dir(name): name for name in self.shard}.values()
        here = Custom(Originals(self.plan.request.source_roots), map(layout.custom, names))
        custom.enter(here)
        sleep, time.sleep = time.sleep, cooperative_sleep(self.hub)
        if len(self._patient) > 1 and self._is_worker:
            self._wire()
        on_import = OnImport(dict.fromkeys((*LIBRARY_OF, *LATE), self._imported))
        on_import.install()
        try:
            with shim.active():
                yield
        finally:
            if not self._is_worker:
                on_import.remove()
                time.sleep = sleep
                custom.leave(here)

    def _wire(self) -> None:
        """In a worker of many sites."""
        self._tripwire = Tripwire(self.plan.layout.lobby(self.shard[0]))
        os.getcwd = self._tripwire.getcwd(os.getcwd)
        os.getcwdb = self._tripwire.getcwd(os.getcwdb)

    def _flush(self, idle: bool) -> None:
        if idle:
            self.record.flush()

    def _imported(self, module: str) -> None:
        if module in LATE and self.on_threads is not None:
            self.on_threads()
        context = self.hub.context
        if module in LIBRARY_OF and isinstance(context, Context):
            context.seed(LIBRARY_OF[module])

    def _parties(self) -> None:
        links = self._links()
        for name in self.shard:
            play = partial(self._play, name, links[name])
            self._spawn(name, links[name], self._context(name), play)
        for _ in self.shard:
            self._over.get()

    def _spawn(self, name: str, links: dict[str, Link], context: Swap | None, play: Play) -> None:
        self.hub.spawn(self._party, name, links, play, name=name, context=context)

    def _context(self, name: str) -> Context:
        layout, gpu = self.plan.layout, self.plan.gpus.get(name)
        waits = self._tripwire is not None and name != self.shard[0] and name in self._patient
        if not waits:
            layout.settle(name)
        home, source = layout.home_dir(name), layout.source_dir(name)
        code = self._customs.get(source)
        if code is None:
            code = self._customs[source] = CustomCode(layout.custom(name), self._path, self._shared)
        return Context(
            name,
            cwd=home,
            custom=code,
            seed=self._seed,
            base=self._environ,
            environ={"CUDA_VISIBLE_DEVICES": gpu} if gpu is not None else None,
            output=Output(f"{home}/log.txt") if self._is_worker and len(self.shard) > 1 else None,
            tripwire=self._tripwire,
            make_home=partial(layout.settle, name) if waits else None,
            place=self.record.place if len(self.shard) > 1 else None,
        )

    def _links(self) -> dict[str, dict[str, Link]]:
        """Each party's links by peer: the server has one to every site, a site one to the server."""
        ends: dict[str, dict[str, Link]] = {name: {} for name in self.shard}
        for number, shard in enumerate(self.plan.shards):
            for site in (name for name in shard if name != SERVER):
                if SERVER in ends and site in ends:
                    ends[SERVER][site], ends[site][SERVER] = pair(self.hub, SERVER, site)
                elif SERVER in ends:
                    ends[SERVER][site] = self._cables[number].link(site)
                elif site in ends:
                    ends[site][SERVER] = self._cables[0].link(SERVER)
        return ends

    def _party(self, name: str, links: dict[str, Link], play: Play) -> None:
        """Carry out what a party does now, and see to its end unless it rests."""
        rests = False
        try:
            outcome = play()
            if isinstance(outcome, bool):
                self._note_end(name, outcome)
            else:
                outcome.rest(partial(self._spawn, name, links, self.hub.current().context))
                rests = True
        except Killed:
            raise
        except (Exception, SystemExit) as error:
            self._fail(name, error)
        finally:
            if not rests:
                self._end_strands_of(name)
                for link in links.values():
                    if not link.closed:
                        link.close()
                self._over.put(name)

    def _note_end(self, name: str, well: bool) -> None:
        """How the run ended is the server's to say; a worker without it says how its sites did."""
        if name == SERVER or not self._has_server:
            self._ok = self._ok and well

    def _play(self, name: str, links: dict[str, Link]) -> bool | Resting:
        plan = self.plan
        common: dict[str, Any] = {
            "model": plan.model,
            "app": self._apps[name],
            "app_dir": plan.layout.app_dir(name),
            "hub": self.hub,
            "record": self.record,
            "workspace": plan.layout.workspace,
            "request": plan.request,
        }
        if name == SERVER:
            well: bool | Resting = plan.role(name)(sites=plan.sites, links=links, **common)
        else:
            self.record.emit_of_site(
                "site_ready", site=name, pid=os.getpid(), cuda_visible_devices=plan.gpus.get(name)
            )
            well = plan.role(name)(site=name, link=links[SERVER], **common)
        return well

    def _end_strands_of(self, name: str) -> None:
        """Strands that a party leaves behind (a script that waits for more) end with it."""
        here = self.hub.current()
        if here.context is not None:
            for strand in self.hub.strands_of(here.context):
                if strand is not here:
                    self.hub.kill(strand)

    def _fail(self, name: str, error: BaseException) -> None:
        """An error that the party's own code did not put on record."""
        self._note_end(name, False)
        self.record.error(
            site=name,
            kind="exit" if isinstance(error, SystemExit) else "exception",
            message=f"{type(error).__name__}: {error}",
            traceback=user_traceback(error),
        )
