from nvflare.apis.executor import Executor
from nvflare.apis.filter import Filter
from nvflare.apis.fl_component import FLComponent
from nvflare.app_common.workflows.fedavg import FedAvg
from nvflare.app_common.workflows.model_controller import ModelController

from . import constants
from .inner.parts import Part
from .sibling import SIBLING
from pkg.inner import other


class MyFilter(Filter):
    def __init__(self, strength=1.0):
        super().__init__()
        self.strength = strength

    def process(self, shareable, fl_ctx):
        return shareable


class MyExecutor(Executor):
    def __init__(self, lr=0.1, layers=(8, 8), options=None):
        super().__init__()
        self.lr = lr
        self._layers = layers
        self.options = options

    def execute(self, task_name, shareable, fl_ctx, abort_signal):
        return shareable


class MyController(ModelController):
    def __init__(self, *args, rounds=2, note="n", **kwargs):
        super().__init__(*args, **kwargs)
        self.rounds = rounds
        self.note = note

    def run(self):
        self.info(self.rounds)


class MyFedAvg(FedAvg):
    def __init__(self, *args, momentum=0.9, **kwargs):
        super().__init__(*args, **kwargs)
        self.momentum = momentum


class Hidden(FLComponent):
    """Its base's parameter is out of reach of FLARE's rule."""

    def __init__(self, renamed=1, kept=2):
        super().__init__()
        self.something_else = renamed
        self.kept = kept


class Plain:
    def __init__(self, part=None, tags=("a",), table=None, count=0):
        self.part = part
        self.tags = tags
        self.table = table
        self.count = count


class Referrer(FLComponent):
    def __init__(self, other_id=""):
        super().__init__()
        self.other_id = other_id


class AddsItself(FLComponent):
    def __init__(self, label="x"):
        super().__init__()
        self.label = label

    def add_to_fed_job(self, job, ctx, **kwargs):
        job.check_kwargs(args_to_check=kwargs, args_expected={"extra": True, "more": False})
        first = job.add_component("itself", self, ctx)
        second = job.add_component("itself", Plain(count=kwargs["extra"]), ctx)
        job.add_resources(["beside.py"], ctx)
        return {"first": first, "second": second}


class OnlyClients(FLComponent):
    def get_job_target_type(self):
        return "client"
