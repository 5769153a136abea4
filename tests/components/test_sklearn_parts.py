import numpy as np
import pytest

from fedjob.components.executors.sklearn import SKLearnExecutor
from fedjob.components.tabular import get_pandas_reader
from tests.components.world import outcome

PERSISTOR = "app_opt.sklearn.joblib_model_param_persistor.JoblibModelParamPersistor"
pytest.importorskip("joblib")


@pytest.mark.parametrize("given", ["params", "nothing", "path", "path in params", "relative", "absent"])
def test_where_the_parameters_come_from(same_as_flare, given):
    def scenario(world):
        import joblib

        path = world.root / "given.joblib"
        joblib.dump({"C": 3}, path)
        kwargs = {
            "params": {"initial_params": {"C": 1}},
            "nothing": {},
            "path": {"initial_params": {"C": 1}, "model_path": str(path)},
            "path in params": {"initial_params": {"C": 1, "model_path": str(path)}},
            "relative": {"model_path": "given.joblib"},
            "absent": {"model_path": str(path) + "x"},
        }[given]
        persistor = world.add(world(PERSISTOR)(**kwargs))
        world.fire("_start_run")
        return outcome(lambda: persistor.load_model(world.context()))

    same_as_flare(scenario)


@pytest.mark.parametrize("number", [0, 1])
def test_the_last_round_is_saved_and_read_back(same_as_flare, number):
    def scenario(world):
        persistor = world.add(world(PERSISTOR)({"C": 1}))
        world.fire("_start_run")
        model = world("app_common.abstract.model.make_model_learnable")({"coef": np.arange(3.0)}, {})
        persistor.save_model(model, world.context(current_round=number, num_rounds=2))
        return persistor.load_model(world.context()), sorted(world.files())

    found, files = same_as_flare(scenario)
    assert ("coef" in found["weights"]) == bool(files) == (number == 1)


def executor(world, own):
    class Own(world("app_common.abstract.learner_spec.Learner")):
        n_samples = 7

        def train(self, number, params, fl_ctx):
            own.append(("train", number, params))
            if params.get("fails"):
                raise RuntimeError("no")
            return {"w": np.ones(2)}, "model"

        def validate(self, number, params, fl_ctx):
            own.append(("validate", number, params))
            return {"score": 0.5}, "global model"

        def finalize(self, fl_ctx):
            own.append("finalize")

    world.engine.get_all_components = lambda: world.components
    world.add(Own(), "learner")
    made = world.add(SKLearnExecutor("learner"))
    world.fire("_start_run")
    return made


def ask(world, made, number=0, task="train", abort=False, **params):
    data = world.dxo("WEIGHTS", params).to_shareable()
    data.set_header("current_round", number)
    signal = world("apis.signal.Signal")()
    if abort:
        signal.trigger(True)
    return made.execute(task, data, world.context(), signal)


def test_scores_are_taken_from_the_second_round_on(world):
    own = []
    made = executor(world, own)
    replies = [ask(world, made, number, C=1) for number in (0, 1)]
    world.fire("_end_run")
    steps = [("train", 0, {"C": 1}), ("validate", 1, {"C": 1}), ("train", 1, {"C": 1}), "finalize"]
    assert own == steps
    dxo = world("apis.dxo.from_shareable")(replies[1])
    assert (dxo.data_kind, dxo.meta) == ("WEIGHTS", {"NUM_STEPS_CURRENT_ROUND": 7})
    models = [name for name in world.files() if name.endswith(".joblib")]
    assert models == ["app_server/model_global.joblib", "app_server/model_local.joblib"]


@pytest.mark.parametrize(
    ("kwargs", "code"),
    [
        ({"task": "else"}, "TASK_UNKNOWN"),
        ({"fails": True}, "EXECUTION_EXCEPTION"),
        ({"abort": True}, "TASK_ABORTED"),
    ],
)
def test_what_the_learner_cannot_do_is_an_answer(world, kwargs, code):
    assert ask(world, executor(world, []), **kwargs).get_return_code() == code


def test_rows_of_a_table(tmp_path):
    pytest.importorskip("pandas")
    from fedjob.components.tabular import load_data, load_data_for_range

    path = tmp_path / "data.csv"
    path.write_text("0,1,2\n1,3,4\n0,5,6\n")
    x, y, n = load_data_for_range(str(path), 1, 3)
    assert (x.tolist(), y.tolist(), n) == ([[3, 4], [5, 6]], [1, 0], 2)
    assert load_data(str(path), require_header=True)[2] == 3
    with pytest.raises(ValueError, match=r"data\.txt is no table of a known format"):
        get_pandas_reader("data.txt")
