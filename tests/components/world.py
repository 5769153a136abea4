"""One scenario in two worlds: with our components, and with those of the installed FLARE.

A scenario is a function of a World. It reaches classes by FLARE's paths without the leading package, so the same lines
run on both, and what it gives must be equal, dtypes and order included.
"""

import enum
import importlib
import math
from pathlib import Path

import numpy as np

from fedjob.flare import names

JOB_ID = "simulate_job"


class World:
    def __init__(self, ours, root):
        self.ours = ours
        self.root = Path(root)
        self.run_dir = self.root / JOB_ID
        self.app_dir = self.run_dir / "app_server"
        for folder in ("config", "custom"):
            (self.app_dir / folder).mkdir(parents=True, exist_ok=True)
        self.components = {}
        self.events = []
        self.logs = []
        self.engine = Engine(self)
        self.contexts = self("apis.fl_context.FLContextManager")(
            engine=self.engine,
            identity_name="simulator_server",
            job_id=JOB_ID,
            public_stickers={},
            private_stickers={},
        )

    def __call__(self, path):
        path = f"nvflare.{path}"
        if self.ours:
            return names.load(path)
        module, _, name = path.rpartition(".")
        return getattr(importlib.import_module(module), name)

    def add(self, component, id=None):
        """Make it part of the run: it gets all events from now on."""
        self.components[id or f"c{len(self.components)}"] = component
        return component

    def context(self, peer=None, shareable=None, **props):
        ctx = self.contexts.new_context()
        ctx.set_prop(
            self("apis.fl_constant.FLContextKey").APP_ROOT, str(self.app_dir), private=True, sticky=True
        )
        for key, value in props.items():
            ctx.set_prop(key, value, private=True, sticky=False)
        if peer:
            peer_ctx = self("apis.fl_context.FLContext")()
            key = self("apis.fl_constant.ReservedKey").IDENTITY_NAME
            peer_ctx.set_prop(key, peer, private=False, sticky=False)
            if shareable is not None:
                peer_ctx.set_prop("__shareable__", shareable, private=True, sticky=False)
            ctx.set_peer_context(peer_ctx)
        return ctx

    def fire(self, event, ctx=None):
        ctx = ctx or self.context()
        self.engine.fire_event(event, ctx)
        return ctx

    def dxo(self, kind="WEIGHTS", data=None, **meta):
        return self("apis.dxo.DXO")(data_kind=kind, data={} if data is None else data, meta=meta)

    def result(self, kind="WEIGHTS", data=None, round=0, **meta):
        """What a site sends in `round`."""
        shareable = self.dxo(kind, {"w": np.ones(2)} if data is None else data, **meta).to_shareable()
        shareable.add_cookie("contribution_round", round)
        shareable.set_header("current_round", round)
        return shareable

    def files(self):
        return {
            str(p.relative_to(self.run_dir)): p.read_bytes()
            for p in sorted(self.run_dir.rglob("*"))
            if p.is_file()
        }


class Engine:
    """What components ask of an engine; both worlds' do."""

    def __init__(self, world):
        self.world = world
        self.panics = []
        self.noted = []

    def fire_event(self, event_type, fl_ctx):
        self.world.events.append(event_type)
        if event_type == "_fatal_system_error":
            self.panics.append(fl_ctx.get_prop("__event_data__"))
        for component in list(self.world.components.values()):
            component.handle_event(event_type, fl_ctx)
            for handler, kwargs in component.get_event_handlers().get(event_type, []):
                handler(event_type, fl_ctx, **kwargs)

    def send_fed_event(self, event_type, event_data, fl_ctx, targets=None):
        self.world.events.append(f"sent {event_type}")

    def fire_and_forget_aux_request(self, *args, **kwargs):
        self.world.events.append("sent aux")

    def note_exception(self, error, *, message="", **kwargs):
        self.noted.append(message or str(error))

    def get_component(self, component_id):
        return self.world.components.get(component_id)

    def get_workspace(self):
        return Folders(self.world)

    def new_context(self):
        return self.world.context()

    def get_clients(self):
        return []


class Folders:
    def __init__(self, world):
        self.world = world

    def get_run_dir(self, job_id):
        return str(self.world.run_dir)

    def get_result_root(self, job_id):
        return str(self.world.run_dir)

    def get_app_dir(self, job_id):
        return str(self.world.app_dir)


def plain(value):
    """A value as data that can be compared exactly between worlds."""
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if isinstance(value, (str, bool, type(None), bytes)):
        return value
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    if isinstance(value, (int, float)) and not isinstance(value, np.generic):
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        return (type(value).__name__, str(value.dtype), value.shape, np.asarray(value).tolist())
    if type(value).__name__ == "Tensor":
        return ("tensor", str(value.dtype), tuple(value.shape), value.tolist())
    if type(value).__name__ == "DXO":
        return ("DXO", plain(value.data_kind), plain(value.data), plain(value.meta))
    if isinstance(value, dict):
        return {str(plain(k)): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, set):
        return sorted(map(plain, value))
    if isinstance(value, BaseException):
        return next(c.__name__ for c in type(value).__mro__ if c in BUILTIN_ERRORS)
    raise TypeError(f"cannot compare a {type(value).__name__}")


BUILTIN_ERRORS = (
    TypeError,
    ValueError,
    KeyError,
    RuntimeError,
    NotImplementedError,
    FileNotFoundError,
    AttributeError,
)


def outcome(call):
    """What a call gives, or the built-in kind of what it raises."""
    try:
        return plain(call())
    except Exception as e:
        return ["raises", plain(e)]
