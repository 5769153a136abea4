# ruff: noqa: I001  # imports stand as users write them
"""Recipes: jobs that are described by their parameters."""

from corpus import covers


def numpy_recipe(**options):
    from nvflare.app_common.np.recipes import NumpyFedAvgRecipe

    options = {"model": [[1, 2, 3], [4, 5, 6]], "min_clients": 2, "train_script": "train_flat.py", **options}
    return NumpyFedAvgRecipe(**options)


def torch_recipe(**options):
    from nvflare.app_opt.pt.recipes.fedavg import FedAvgRecipe
    from src.net import Net

    return FedAvgRecipe(**{"model": Net(), "min_clients": 2, "train_script": "train_flat.py", **options})


@covers("NumpyFedAvgRecipe, all by default", since="2.7")
def recipe_numpy():
    return numpy_recipe()


@covers("NumpyFedAvgRecipe of an array, with arguments for script and server", since="2.7")
def recipe_numpy_arguments():
    import numpy as np

    return numpy_recipe(
        name="numbers",
        model=np.ones((2, 2)),
        num_rounds=3,
        train_args="--update_type full",
        params_transfer_type="DIFF",
        key_metric="loss",
        stop_cond="accuracy >= 0.9",
        patience=2,
        exclude_vars="bias",
        aggregation_weights={"site-1": 1.0, "site-2": 2.0},
        client_memory_gc_rounds=1,
    )


@covers("a recipe's checkpoint, which travels, and one at the server", since="2.7")
def recipe_numpy_checkpoint():
    return numpy_recipe(model=None, initial_ckpt="train_flat.py")


@covers("a recipe's checkpoint at the server", since="2.7")
def recipe_numpy_checkpoint_there():
    return numpy_recipe(model=None, initial_ckpt="/models/start.npy")


@covers("a recipe's script in a process of its own", since="2.7")
def recipe_external():
    return numpy_recipe(
        launch_external_process=True, command="python3 -u -X dev", shutdown_timeout=3.0, launch_once=False
    )


@covers("a recipe's per_site_config", since="2.7")
def recipe_per_site():
    return numpy_recipe(
        per_site_config={
            "site-1": {"train_args": "--n 1"},
            "site-2": {"train_args": "--n 2", "launch_external_process": True},
        }
    )


@covers("set_per_site_config, launch_timeout", since="2.9")
def recipe_per_site_2_9():
    from nvflare.recipe import set_per_site_config

    recipe = torch_recipe(launch_timeout=60.0)
    set_per_site_config(
        recipe, {"site-1": {"launch_timeout": None, "launch_external_process": True}, "site-2": {}}
    )
    return recipe


@covers("a recipe's filters, configuration and files", since="2.7")
def recipe_additions():
    from nvflare.app_common.filters import PercentilePrivacy

    recipe = numpy_recipe()
    recipe.add_client_input_filter(PercentilePrivacy(), tasks=["train"])
    recipe.add_client_output_filter(PercentilePrivacy(percentile=20), tasks=["train"])
    recipe.add_server_input_filter(PercentilePrivacy(percentile=30), tasks=["train"])
    recipe.add_server_output_filter(PercentilePrivacy(percentile=40), tasks=["train"])
    recipe.add_client_config({"timeout": 3})
    recipe.add_server_config({"a": {"b": 1}})
    recipe.add_client_file("beside.py")
    recipe.add_server_file("twin.py")
    return recipe


@covers("what is added for single clients of a recipe", since="2.9")
def recipe_additions_per_site():
    from nvflare.app_common.filters import PercentilePrivacy
    from nvflare.recipe import add_experiment_tracking, set_per_site_config

    recipe = numpy_recipe()
    set_per_site_config(recipe, {"site-1": {}, "site-2": {}})
    recipe.add_client_output_filter(PercentilePrivacy(), tasks=["train"], clients=["site-2"])
    recipe.add_client_config({"timeout": 3})
    add_experiment_tracking(recipe, "tensorboard", client_side=True, clients=["site-1"])
    return recipe


@covers("additions for a client that a recipe does not know: refused", since="9")
def recipe_strange_client():
    from nvflare.app_common.filters import PercentilePrivacy

    recipe = numpy_recipe(per_site_config={"site-1": {}, "site-2": {}})
    recipe.add_client_output_filter(PercentilePrivacy(), clients=["elsewhere", "site-2", 3])
    return recipe


@covers("tracking by TensorBoard", since="2.7")
def recipe_tensorboard():
    from nvflare.recipe.utils import add_experiment_tracking

    recipe = numpy_recipe()
    add_experiment_tracking(recipe, "tensorboard", {"tb_folder": "events"}, client_side=True)
    return recipe


@covers("tracking by MLflow", since="2.7")
def recipe_mlflow():
    from nvflare.recipe import add_experiment_tracking

    recipe = numpy_recipe(name="tracked")
    add_experiment_tracking(recipe, "mlflow", client_side=True)
    return recipe


@covers("tracking by MLflow with its settings", since="2.7")
def recipe_mlflow_settings():
    from nvflare.recipe import add_experiment_tracking

    recipe = numpy_recipe(name="tracked")
    settings = {
        "tracking_uri": "http://tracker:5000",
        "kw_args": {"experiment_name": "e", "run_name": "r", "experiment_tags": {"mlflow.note.content": "x"}},
        "artifact_location": "there",
    }
    add_experiment_tracking(recipe, "mlflow", settings, client_side=True)
    return recipe


@covers("tracking by Weights & Biases", since="2.7")
def recipe_wandb():
    from nvflare.recipe import add_experiment_tracking

    recipe = numpy_recipe()
    settings = {
        "mode": "online",
        "wandb_args": {"project": "p", "name": "n", "group": "g", "job_type": "training"},
    }
    add_experiment_tracking(recipe, "wandb", settings)
    return recipe


@covers("cross-site evaluation after NumPy's training", since="2.7")
def recipe_numpy_evaluation():
    from nvflare.recipe.utils import add_cross_site_evaluation

    recipe = numpy_recipe()
    add_cross_site_evaluation(recipe, submit_model_timeout=60)
    return recipe


@covers("cross-site evaluation after PyTorch's training", since="2.8")
def recipe_torch_evaluation():
    from nvflare.recipe.utils import add_cross_site_evaluation

    recipe = torch_recipe()
    add_cross_site_evaluation(recipe, participating_clients=["site-1"])
    return recipe


@covers("two cross-site evaluations: refused", since="9")
def recipe_two_evaluations():
    from nvflare.recipe.utils import add_cross_site_evaluation

    recipe = numpy_recipe()
    add_cross_site_evaluation(recipe)
    add_cross_site_evaluation(recipe)
    return recipe


@covers("evaluation of the final model", since="2.9")
def recipe_final_evaluation():
    from nvflare.recipe import add_final_global_evaluation

    recipe = torch_recipe()
    add_final_global_evaluation(recipe, participating_clients=["site-1"], validation_timeout=5)
    return recipe


@covers("a recipe's meta", since="2.9")
def recipe_meta():
    from nvflare.apis.job_def import JobMetaKey
    from nvflare.recipe import set_recipe_meta

    recipe = numpy_recipe()
    set_recipe_meta(recipe, JobMetaKey.CUSTOM_PROPS, {"team": "a", 1: None})
    set_recipe_meta(recipe, JobMetaKey.RESOURCE_SPEC, {"site-1": {"num_of_gpus": 1}})
    set_recipe_meta(recipe, JobMetaKey.SCOPE, "private")
    return recipe


@covers("log streaming", since="2.8")
def recipe_log_streaming():
    recipe = numpy_recipe()
    recipe.enable_log_streaming("log.json", "log.txt")
    return recipe


@covers("tensor streaming", since="2.9")
def recipe_tensor_streaming():
    recipe = torch_recipe(server_expected_format="pytorch")
    recipe.enable_tensor_streaming(tasks=["train", "validate"], tensor_send_timeout=10.0)
    return recipe


@covers("tensor streaming of the tasks that are streamed by default", since="2.9")
def recipe_tensor_streaming_default():
    recipe = numpy_recipe()
    recipe.enable_tensor_streaming("numpy")
    return recipe


@covers("tensor streaming in another format than the server's: refused", since="9")
def recipe_tensor_streaming_format():
    recipe = torch_recipe()
    recipe.enable_tensor_streaming()
    return recipe


@covers("decomposers by class path and by object", since="2.7")
def recipe_decomposers():
    from nvflare.app_opt.pt.decomposers import TensorDecomposer

    recipe = numpy_recipe()
    recipe.add_decomposers(["nvflare.app_opt.pt.decomposers.TensorDecomposer", TensorDecomposer()])
    return recipe


@covers("FedAvgRecipe of PyTorch, all by default", since="2.7")
def recipe_torch():
    return torch_recipe()


@covers("FedAvgRecipe of PyTorch with a model by class path, tensors on the way", since="2.7")
def recipe_torch_by_path():
    model = {"class_path": "src.net.Net", "args": {}}
    return torch_recipe(
        model=model, server_expected_format="pytorch", server_memory_gc_rounds=2, cuda_empty_cache=True
    )


@covers("save_filename", since="2.7")
def recipe_save_filename():
    return torch_recipe(save_filename="best.pt")


@covers("best_model_filename, tensors on the disk", since="2.8")
def recipe_best_model():
    return torch_recipe(
        best_model_filename="best.pt", enable_tensor_disk_offload=True, server_expected_format="pytorch"
    )


@covers("key_metric_mode", since="2.9")
def recipe_key_metric_mode():
    return torch_recipe(key_metric="loss", key_metric_mode="min")


@covers("the mode of the key metric taken from the stop condition", since="2.7")
def recipe_implied_mode():
    return torch_recipe(key_metric="loss", stop_cond="loss < 0.1")


@covers("a mode that contradicts the stop condition: refused", since="9")
def recipe_contradicted_mode():
    return torch_recipe(key_metric="loss", stop_cond="loss < 0.1", key_metric_mode="max")


@covers("a recipe with the user's persistor, locator and aggregator", since="2.7")
def recipe_torch_parts():
    from averaging import Mean

    from nvflare.app_opt.pt.file_model_locator import PTFileModelLocator
    from nvflare.app_opt.pt.file_model_persistor import PTFileModelPersistor

    return torch_recipe(
        model_persistor=PTFileModelPersistor(global_model_file_name="g.pt"),
        model_locator=PTFileModelLocator(pt_persistor_id="persistor"),
        aggregator=Mean(weight=2),
    )


@covers("a recipe without a model: refused", since="9")
def recipe_without_model():
    return torch_recipe(model=None)


@covers("a recipe with a wrong framework: refused", since="9")
def recipe_wrong_format():
    return torch_recipe(server_expected_format="csv")


@covers("FedProxRecipe", since="2.9")
def recipe_fedprox():
    from nvflare.app_opt.pt.recipes import FedProxRecipe
    from src.net import Net

    return FedProxRecipe(model=Net(), min_clients=2, train_script="train_flat.py", fedprox_mu=0.1)


@covers("FedOptRecipe of PyTorch", since="2.7")
def recipe_fedopt():
    from nvflare.app_opt.pt.recipes import FedOptRecipe
    from src.net import Net

    return FedOptRecipe(
        model=Net(),
        min_clients=2,
        num_rounds=4,
        train_script="train_flat.py",
        device="cpu",
        optimizer_args={"path": "torch.optim.SGD", "args": {"lr": 0.5}},
        lr_scheduler_args={
            "class_path": "torch.optim.lr_scheduler.CosineAnnealingLR",
            "args": {"T_max": "{num_rounds}", "eta_min": 0.9},
        },
    )


@covers("FedOptRecipe of PyTorch, all by default, by class path", since="2.7")
def recipe_fedopt_plain():
    from nvflare.app_opt.pt.recipes import FedOptRecipe

    return FedOptRecipe(
        model={"class_path": "src.net.Net"}, min_clients=2, train_script="train_flat.py", source_model="net"
    )


@covers("ScaffoldRecipe of PyTorch", since="2.7")
def recipe_scaffold():
    from nvflare.app_opt.pt.recipes import ScaffoldRecipe
    from src.net import Net

    return ScaffoldRecipe(model=Net(), min_clients=2, train_script="train_flat.py", server_memory_gc_rounds=1)


@covers("CyclicRecipe of PyTorch", since="2.7")
def recipe_cyclic():
    from nvflare.app_opt.pt.recipes.cyclic import CyclicRecipe
    from src.net import Net

    return CyclicRecipe(model=Net(), num_rounds=3, train_script="train_flat.py", train_args="-v")


@covers("CyclicRecipe with a PTModel and overrides", since="2.9")
def recipe_cyclic_overrides():
    from nvflare.app_opt.pt.job_config.model import PTModel
    from nvflare.app_opt.pt.recipes.cyclic import CyclicRecipe
    from src.net import Net

    return CyclicRecipe(
        model=PTModel(Net()),
        train_script="train_flat.py",
        launch_external_process=True,
        command="python3",
        task_assignment_timeout=20,
        shutdown_timeout=1.0,
        server_config_overrides={"order": "RANDOM", "task_check_period": 1.0},
        client_config_overrides={"launch_once": False},
    )


@covers("FedEvalRecipe", since="2.7")
def recipe_fedeval():
    from nvflare.app_opt.pt.recipes import FedEvalRecipe
    from src.net import Net

    return FedEvalRecipe(model=Net(), eval_ckpt="/models/net.pt", min_clients=2, eval_script="train_flat.py")


@covers("FedEvalRecipe by site", since="2.7")
def recipe_fedeval_per_site():
    from nvflare.app_opt.pt.recipes.fedeval import FedEvalRecipe

    return FedEvalRecipe(
        model={"path": "src.net.Net", "args": {}},
        eval_ckpt="train_flat.py",
        min_clients=2,
        eval_script="train_flat.py",
        validation_timeout=60,
        per_site_config={"site-1": {"eval_args": "--n 1"}, "site-2": {"eval_args": "--n 2"}},
    )


@covers("SwarmLearningRecipe", since="2.7")
def recipe_swarm():
    from nvflare.app_opt.pt.recipes.swarm import SwarmLearningRecipe
    from src.net import Net

    return SwarmLearningRecipe(
        "swarm", Net(), 3, "train_flat.py", 2, do_cross_site_eval=True, train_args={"script_args": "-v"}
    )


@covers("SwarmLearningRecipe with all that 2.9 brought", since="2.9")
def recipe_swarm_2_9():
    from nvflare.app_common.ccwf.recipes.swarm import SwarmLearningRecipe

    return SwarmLearningRecipe(
        name="swarm",
        model={"class_path": "src.net.Net"},
        num_rounds=3,
        train_script="train_flat.py",
        min_clients=2,
        initial_ckpt="beside.py",
        learn_task_timeout=5,
        learn_task_abort_timeout=6,
        learn_task_ack_timeout=7,
        final_result_ack_timeout=8,
        max_concurrent_submissions=2,
        aggregation_format="pytorch",
        enable_tensor_disk_offload=True,
        key_metric="loss",
        key_metric_mode="min",
        server_config_overrides={"private_p2p": False},
        client_config_overrides={"learn_task_check_interval": 2.0},
    )


@covers("SwarmLearningRecipe of differences", since="2.7")
def recipe_swarm_differences():
    from nvflare.app_opt.pt.recipes.swarm import SwarmLearningRecipe
    from src.net import Net

    return SwarmLearningRecipe("swarm", Net(), 3, "train_flat.py", 2, expected_data_kind="WEIGHT_DIFF")


@covers("FedAvgRecipe of TensorFlow", since="2.7", needs="tensorflow")
def recipe_keras():
    from keras_net import Net

    from nvflare.app_opt.tf.recipes import FedAvgRecipe

    return FedAvgRecipe(model=Net(), min_clients=2, train_script="train_flat.py", initial_ckpt="beside.py")


@covers("CyclicRecipe of TensorFlow, by class path", since="2.7", needs="tensorflow")
def recipe_keras_cyclic():
    from nvflare.app_opt.tf.recipes import CyclicRecipe

    return CyclicRecipe(model={"class_path": "keras_net.Net", "args": {}}, train_script="train_flat.py")


@covers("FedOptRecipe of TensorFlow", since="2.7", needs="tensorflow")
def recipe_keras_fedopt():
    from keras_net import Net

    from nvflare.app_opt.tf.recipes import FedOptRecipe

    return FedOptRecipe(
        model=Net(),
        min_clients=2,
        train_script="train_flat.py",
        optimizer_args={"path": "tensorflow.keras.optimizers.SGD", "args": {"learning_rate": 0.5}},
    )


@covers("ScaffoldRecipe of TensorFlow", since="2.7", needs="tensorflow")
def recipe_keras_scaffold():
    from keras_net import Net

    from nvflare.app_opt.tf.recipes import ScaffoldRecipe

    return ScaffoldRecipe(model=Net(), min_clients=2, train_script="train_flat.py")


@covers("SklearnFedAvgRecipe", since="2.7", needs="sklearn")
def recipe_sklearn():
    from nvflare.app_opt.sklearn import SklearnFedAvgRecipe

    return SklearnFedAvgRecipe(
        min_clients=2,
        model_params={"n_classes": 2, "eta0": 1e-4},
        train_script="train_flat.py",
        model_path="/m.joblib",
    )


@covers("KMeansFedAvgRecipe", since="2.7", needs="sklearn")
def recipe_kmeans():
    from nvflare.app_opt.sklearn.recipes import KMeansFedAvgRecipe

    return KMeansFedAvgRecipe(min_clients=3, n_clusters=4, train_script="train_flat.py")


@covers("SVMFedAvgRecipe", since="2.7", needs="sklearn")
def recipe_svm():
    from nvflare.app_opt.sklearn import SVMFedAvgRecipe

    return SVMFedAvgRecipe(min_clients=3, kernel="poly", train_script="train_flat.py")


@covers("FedTaskRecipe", since="2.9")
def recipe_fed_task():
    from nvflare.recipe import FedTaskRecipe

    return FedTaskRecipe(
        min_clients=2,
        task_name="count",
        task_data={"a": 1},
        task_meta={"b": 2},
        timeout=3,
        task_script="train_flat.py",
    )


@covers("FedStatsRecipe", since="2.7")
def recipe_fedstats():
    from nvflare.recipe.fedstats import FedStatsRecipe
    from statistics_of import Generator

    return FedStatsRecipe(
        "stats", "out.json", ["site-1", "site-2"], {"count": {}, "mean": {}}, Generator("x.csv")
    )


@covers("FlowerRecipe", since="2.8")
def recipe_flower():
    from nvflare.app_opt.flower.recipe import FlowerRecipe

    return FlowerRecipe(
        flower_content="flower_app", extra_env={"A": "1"}, run_config={"num-server-rounds": 2}
    )


@covers("FedAvgLrRecipe", since="2.7")
def recipe_logistic_regression():
    from nvflare.app_common.np.recipes.lr.fedavg import FedAvgLrRecipe

    return FedAvgLrRecipe(min_clients=2, num_features=5, train_script="train_flat.py")


@covers("NumpyCrossSiteEvalRecipe", since="2.7")
def recipe_cross_site_eval():
    from nvflare.app_common.np.recipes import NumpyCrossSiteEvalRecipe

    return NumpyCrossSiteEvalRecipe(model_dir="there", model_name={"server": "server.npy"})


@covers("NumpyCrossSiteEvalRecipe by a script, of a checkpoint", since="2.7")
def recipe_cross_site_eval_script():
    from nvflare.app_common.np.recipes import NumpyCrossSiteEvalRecipe

    return NumpyCrossSiteEvalRecipe(eval_script="train_flat.py", initial_ckpt="/models/m.npy")


@covers("the user's own recipe", since="2.7")
def recipe_of_the_user():
    from nvflare.app_common.workflows.fedavg import FedAvg
    from nvflare.job_config.api import FedJob
    from nvflare.job_config.script_runner import ScriptRunner
    from nvflare.recipe.spec import Recipe

    class Mine(Recipe):
        def __init__(self):
            job = FedJob("mine", min_clients=2)
            job.to_server(FedAvg(num_clients=2, num_rounds=1))
            job.to_clients(ScriptRunner("train_flat.py"))
            super().__init__(job)

    return Mine()


class Exported:
    """Gives a recipe the exporter's name in FedJob, with the parameters of this export."""

    def __init__(self, recipe, **options):
        self.recipe, self.options = recipe, options

    def export_job(self, root, **more):
        self.recipe.export(root, **self.options, **more)


@covers("parameters for one export", since="2.7")
def recipe_parameters():
    from nvflare.recipe import SimEnv

    recipe = numpy_recipe()
    recipe.add_client_config({"kept": 1})
    return Exported(
        recipe,
        server_exec_params={"timeout": 600},
        client_exec_params={"rate": 0.1},
        env=SimEnv(num_clients=2),
    )
