import pytest

from fedjob.components.workflows.splitnn import SplitNNController

EXECUTOR = "app_common.executors.splitnn_learner_executor.SplitNNLearnerExecutor"
INIT, TRAIN = "_splitnn_task_init_model_", "_splitnn_task_train_"


def learner(world, seen, fails=()):
    class Own(world("app_common.abstract.learner_spec.Learner")):
        def _note(self, name):
            seen.append(name)
            if name in fails:
                raise RuntimeError(name)

        def initialize(self, parts, fl_ctx):
            self._note("initialize")

        def init_model(self, shareable, fl_ctx, abort_signal):
            self._note("init_model")
            return world("apis.shareable.make_reply")("OK")

        def train(self, shareable, fl_ctx, abort_signal):
            self._note("train")
            return world("apis.shareable.make_reply")("OK")

        def abort(self, fl_ctx):
            self._note("abort")

        def finalize(self, fl_ctx):
            self._note("finalize")

    return Own()


@pytest.mark.parametrize("fails", ["", "initialize", "init_model", "train", "abort", "finalize"])
def test_the_executor_calls_its_learner(same_as_flare, fails):
    def scenario(world):
        seen = []
        world.engine.get_all_components = lambda: world.components
        executor = world.add(world(EXECUTOR)("learner"))
        world.add(learner(world, seen, {fails}), "learner")
        world.fire("_start_run")
        data, signal = world("apis.shareable.Shareable")(), world("apis.signal.Signal")()
        codes = [
            executor.execute(task, data, world.context(), signal).get_return_code()
            for task in (INIT, TRAIN, "else")
        ]
        world.fire("_abort_task")
        world.fire("_end_run")
        return codes, seen

    same_as_flare(scenario)


def test_the_executor_has_no_other_component_as_its_learner(same_as_flare):
    def scenario(world):
        world.engine.get_all_components = lambda: world.components
        executor = world.add(world(EXECUTOR)("learner"))
        world.add(world("widgets.widget.Widget")(), "learner")
        world.fire("_start_run")
        data, signal = world("apis.shareable.Shareable")(), world("apis.signal.Signal")()
        return executor.execute(TRAIN, data, world.context(), signal).get_return_code()

    assert same_as_flare(scenario) == "EXECUTION_EXCEPTION"


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [
        ({"num_rounds": "3"}, TypeError),
        ({"persistor_id": 3}, TypeError),
        ({"num_rounds": -1}, ValueError),
        ({"start_round": -1}, ValueError),
    ],
)
def test_the_controller_checks_its_arguments(kwargs, error):
    with pytest.raises(error, match=next(iter(kwargs))):
        SplitNNController(**kwargs)
