"""Recipes, and the components that only they add to jobs."""

from . import covers

NUMBERS = {"min_clients": 2, "num_rounds": 3, "train_script": "train.py"}


def numpy_recipe(**options):
    from nvflare.app_common.np.recipes import NumpyFedAvgRecipe

    return NumpyFedAvgRecipe(name="parity", model=[[1.0, 2.0], [3.0, 4.0]], **{**NUMBERS, **options})


@covers("NumpyFedAvgRecipe: the model in the job, the best round, artifacts")
def recipe_numpy():
    return numpy_recipe()


@covers("a recipe's arguments by site", rtol=1e-12)
def recipe_per_site():
    from nvflare.recipe import set_per_site_config

    recipe = numpy_recipe(params_transfer_type="DIFF", key_metric="loss", key_metric_mode="min")
    set_per_site_config(
        recipe, {"site-1": {"train_args": "--scale 0.5"}, "site-2": {"train_args": "--scale 2"}}
    )
    return recipe


@covers("cross-site evaluation after the training of a recipe without a framework, by the script")
def recipe_evaluation():
    from nvflare.recipe import FedAvgRecipe, add_cross_site_evaluation

    options = {**NUMBERS, "num_rounds": 1, "train_script": "three_tasks.py", "framework": "numpy"}
    recipe = FedAvgRecipe(name="parity", model=[[1.0, 2.0], [3.0, 4.0]], **options)
    add_cross_site_evaluation(recipe)
    return recipe


@covers("FedAvgRecipe of PyTorch, stopped by its condition", needs="torch")
def recipe_torch():
    from net import Net
    from nvflare.app_opt.pt.recipes import FedAvgRecipe

    options = {**NUMBERS, "train_script": "train_torch.py"}
    return FedAvgRecipe(name="parity", model=Net(), stop_cond="accuracy >= 0.05", **options)


@covers("CyclicRecipe of PyTorch", needs="torch", unheard=True)
def recipe_cyclic():
    from net import Net
    from nvflare.app_opt.pt.recipes import CyclicRecipe

    return CyclicRecipe(name="parity", model=Net(), num_rounds=2, train_script="train_torch.py")


@covers("FedEvalRecipe: one evaluation at every site", needs="torch")
def recipe_fedeval():
    from net import Net
    from nvflare.app_opt.pt.recipes.fedeval import FedEvalRecipe

    return FedEvalRecipe(
        name="parity",
        model=Net(),
        eval_ckpt="net.pt",
        min_clients=2,
        eval_script="evaluate_torch.py",
    )


@covers("SVMFedAvgRecipe: support vectors, put together", needs="sklearn", rtol=1e-9)
def recipe_svm():
    from nvflare.app_opt.sklearn import SVMFedAvgRecipe

    return SVMFedAvgRecipe(name="parity", min_clients=2, kernel="linear", train_script="train_svm.py")


@covers("KMeansFedAvgRecipe: centres and counts, put together", needs="sklearn", rtol=1e-9)
def recipe_kmeans():
    from nvflare.app_opt.sklearn import KMeansFedAvgRecipe

    return KMeansFedAvgRecipe(
        name="parity", min_clients=2, num_rounds=3, n_clusters=1, train_script="train_kmeans.py"
    )


@covers("FedTaskRecipe: one task, answered once")
def recipe_task():
    from nvflare.recipe import FedTaskRecipe

    return FedTaskRecipe(
        name="parity", min_clients=2, task_name="count", task_data={"a": 1}, task_script="count.py"
    )


@covers("FedAvgLrRecipe: steps of Newton's method", rtol=1e-6)
def recipe_logistic_regression():
    from nvflare.app_common.np.recipes.lr.fedavg import FedAvgLrRecipe

    return FedAvgLrRecipe(
        name="parity",
        min_clients=2,
        num_rounds=3,
        num_features=2,
        damping_factor=0.5,
        train_script="train_lr.py",
    )


@covers("FedOptRecipe of TensorFlow: a Keras optimizer with a schedule", needs="tensorflow", rtol=1e-6)
def recipe_keras_fedopt():
    from keras_net import Net
    from nvflare.app_opt.tf.recipes import FedOptRecipe

    return FedOptRecipe(
        name="parity",
        model=Net(),
        optimizer_args={"path": "tensorflow.keras.optimizers.SGD", "args": {"momentum": 0.5}},
        lr_scheduler_args={
            "path": "tensorflow.keras.optimizers.schedules.CosineDecay",
            "args": {"initial_learning_rate": 0.5, "alpha": 0.25},
        },
        **{**NUMBERS, "train_script": "train_keras.py"},
    )


@covers("ScaffoldRecipe of TensorFlow: controls go out and come back", needs="tensorflow", rtol=1e-6)
def recipe_keras_scaffold():
    from keras_net import Net
    from nvflare.app_opt.tf.recipes import ScaffoldRecipe

    options = {**NUMBERS, "train_script": "train_keras.py", "train_args": "--scaffold"}
    return ScaffoldRecipe(name="parity", model=Net(), **options)
