import numpy as np
import pytest

from tests.components.world import outcome

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
TASKS = ["train", "submit_model", "validate", "configure", "else"]


def task_data(world, data=True):
    if not data:
        return world("apis.shareable.Shareable")()
    shareable = world.dxo("WEIGHTS", {"w": np.arange(3.0)}).to_shareable()
    shareable.set_header("submit_model_name", "best_model")
    shareable.set_header("current_round", 2)
    shareable.set_header("num_rounds", 5)
    return shareable


def replied(world, reply):
    told = {"rc": reply.get_return_code(), "type": reply.get_header("_validate_type")}
    told["dxo"] = outcome(lambda: world("apis.dxo.from_shareable")(reply))
    return told


def learner(world, how):
    """A Learner that answers well, with errors, with nothing, or by raising."""
    make_reply = world("apis.shareable.make_reply")
    seen = []

    class Own(world("app_common.abstract.learner_spec.Learner")):
        def initialize(self, parts, fl_ctx):
            seen.append(sorted(parts))

        def _answer(self, kind, data):
            if how == "raises":
                raise ValueError(kind)
            if how == "bad":
                return make_reply("EXECUTION_EXCEPTION")
            return None if how == "nothing" else world.dxo(kind, data).to_shareable()

        def train(self, data, fl_ctx, abort_signal):
            seen.append(("train", data.get_header("_validate_type")))
            return self._answer("WEIGHTS", {"w": np.ones(1)})

        def validate(self, data, fl_ctx, abort_signal):
            seen.append(("validate", data.get_header("_validate_type")))
            return self._answer("METRICS", {"initial_metrics": 0.5})

        def get_model_for_validation(self, model_name, fl_ctx):
            seen.append(model_name)
            return self._answer("WEIGHTS", {"w": np.ones(1)})

        def abort(self, fl_ctx):
            seen.append("abort")

        def finalize(self, fl_ctx):
            seen.append("finalize")
            raise ValueError("no end")

    return Own(), seen


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("how", ["well", "bad", "nothing", "raises"])
def test_learner_executor(same_as_flare, how, task):
    def scenario(world):
        own, seen = learner(world, how)
        world.add(own, "learner")
        executor = world.add(
            world("app_common.executors.learner_executor.LearnerExecutor")("learner"), "executor"
        )
        world.engine.get_all_components = lambda: {"learner": own}
        signal = world("apis.signal.Signal")()
        reply = outcome(
            lambda: replied(world, executor.execute(task, task_data(world), world.context(), signal))
        )
        world.fire("_abort_task")
        world.fire("_end_run")
        return reply, seen

    same_as_flare(scenario)


def test_learner_executor_needs_a_learner(same_as_flare):
    def scenario(world):
        executor = world("app_common.executors.learner_executor.LearnerExecutor")("absent")
        signal = world("apis.signal.Signal")()
        return outcome(lambda: executor.execute("train", task_data(world), world.context(), signal))

    assert same_as_flare(scenario) == ["raises", "TypeError"]


def model_learner(world, how):
    flmodel = world("app_common.abstract.fl_model.FLModel")
    seen = []

    class Own(world("app_common.abstract.model_learner.ModelLearner")):
        def initialize(self):
            seen.append(("initialize", self.current_round, self.total_rounds, self.site_name))

        def _answer(self, method, **kwargs):
            seen.append(method)
            if how == "raises":
                raise ValueError(method)
            return {"code": "TASK_ABORTED", "nothing": None, "wrong": 5}.get(how, flmodel(**kwargs))

        def train(self, model):
            return self._answer("train", params={"w": model.params["w"] + 1}, metrics=None)

        def validate(self, model):
            return self._answer("validate", metrics={"acc": 0.5})

        def get_model(self, model_name):
            return self._answer(model_name, params={"w": np.ones(1)})

        def configure(self, model):
            return self._answer("configure")

        def abort(self):
            seen.append("abort")

        def finalize(self):
            seen.append("finalize")

    return Own(), seen


@pytest.mark.parametrize("data", [True, False])
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("how", ["well", "code", "nothing", "wrong", "raises"])
def test_model_learner_executor(same_as_flare, how, task, data):
    def scenario(world):
        own, seen = model_learner(world, how)
        world.add(own, "learner")
        executor = world.add(
            world("app_common.executors.model_learner_executor.ModelLearnerExecutor")("learner"), "executor"
        )
        world.fire("_start_run")
        signal = world("apis.signal.Signal")()
        reply = outcome(
            lambda: replied(world, executor.execute(task, task_data(world, data), world.context(), signal))
        )
        world.fire("_abort_task")
        world.fire("_end_run")
        return reply, seen

    same_as_flare(scenario)


def test_a_learner_says_what_it_cannot_do(same_as_flare):
    def scenario(world):
        own = world("app_common.abstract.learner_spec.Learner")()
        data, ctx, signal = task_data(world), world.context(), world("apis.signal.Signal")()
        replies = (
            own.train(data, ctx, signal),
            own.validate(data, ctx, signal),
            own.get_model_for_validation("x", ctx),
        )
        return [r.get_return_code() for r in replies]

    same_as_flare(scenario)


@pytest.mark.parametrize("task", ["train", "submit_model", "else"])
@pytest.mark.parametrize("data", ["weights", "diff", "other key", "nothing"])
def test_np_trainer(same_as_flare, data, task):
    def scenario(world):
        key = {"other key": "w"}.get(data, "numpy_key")
        kind = "WEIGHT_DIFF" if data == "diff" else "WEIGHTS"
        given = (
            task_data(world, False)
            if data == "nothing"
            else world.dxo(kind, {key: np.arange(3.0)}).to_shareable()
        )
        trainer = world("app_common.np.np_trainer.NPTrainer")(delta=2)
        ctx, signal = world.context(), world("apis.signal.Signal")()
        ctx.set_prop("__run_num__", "simulate_job", private=False, sticky=True)
        if task == "submit_model":
            trainer.execute("train", given, ctx, signal)
        return (
            replied(world, trainer.execute(task, given, ctx, signal)),
            len(world.engine.panics),
            world.files(),
        )

    same_as_flare(scenario)


@pytest.mark.parametrize("task", ["validate", "submit_model", "else"])
@pytest.mark.parametrize("data", ["weights", "diff", "other key", "nothing"])
def test_np_validator(same_as_flare, data, task):
    def scenario(world):
        np.random.seed(0)
        key = {"other key": "w"}.get(data, "numpy_key")
        kind = "WEIGHT_DIFF" if data == "diff" else "WEIGHTS"
        given = (
            task_data(world, False)
            if data == "nothing"
            else world.dxo(kind, {key: np.arange(3.0)}).to_shareable()
        )
        validator = world("app_common.np.np_validator.NPValidator")()
        return replied(world, validator.execute(task, given, world.context(), world("apis.signal.Signal")()))

    same_as_flare(scenario)


def test_an_aborted_task_is_not_begun(world):
    signal = world("apis.signal.Signal")()
    signal.trigger(True)
    for path in ("np_trainer.NPTrainer", "np_validator.NPValidator"):
        reply = world(f"app_common.np.{path}")().execute("train", task_data(world), world.context(), signal)
        assert reply.get_return_code() == "TASK_ABORTED"


def test_np_formatter(same_as_flare):
    def scenario(world):
        world.dxo("METRICS", {"acc": 0.5}).to_file(str(world.run_dir / "a"))
        world.dxo("WEIGHTS", {"w": 0.5}).to_file(str(world.run_dir / "b"))
        results = {"site-1": {"m": str(world.run_dir / "a"), "n": str(world.run_dir / "b")}, "site-2": {}}
        formatter = world("app_common.np.np_formatter.NPFormatter")()
        return formatter.format(world.context(_validation_result_=results)), formatter.format(world.context())

    same_as_flare(scenario)
