"""Recipes: jobs that are described by their parameters."""

from fedjob.flare.table.row import Row

# fmt: off

ROWS = (
    Row("app_common.np.recipes.cross_site_eval", "recipe.np", "NumpyCrossSiteEvalRecipe", since="2.7"),
    Row("app_common.np.recipes.fedavg", "recipe.np", "NumpyFedAvgRecipe", since="2.7"),
    Row("app_common.np.recipes.lr.fedavg", "recipe.np", "FedAvgLrRecipe", since="2.7"),
    Row("app_opt.flower.recipe", "recipe.flower", "FlowerRecipe", since="2.7"),
    Row("app_opt.pt.recipes.cyclic", "recipe.pt", "CyclicRecipe", since="2.7"),
    Row("app_opt.pt.recipes.fedavg", "recipe.pt", "FedAvgRecipe", since="2.7"),
    Row("app_opt.pt.recipes.fedeval", "recipe.fedeval", "FedEvalRecipe", since="2.7"),
    Row("app_opt.pt.recipes.fedopt", "recipe.fedopt", "FedOptRecipe", since="2.7"),
    Row("app_opt.pt.recipes.fedprox", "recipe.pt", "FedProxRecipe", since="2.9"),
    Row("app_opt.pt.recipes.scaffold", "recipe.scaffold", "ScaffoldRecipe", since="2.7"),
    Row("app_opt.pt.recipes.swarm", "recipe.swarm", "BaseSwarmLearningRecipe SwarmLearningRecipe", since="2.7"),
    Row("app_opt.sklearn.recipes.fedavg", "recipe.sklearn", "SklearnFedAvgRecipe", since="2.7"),
    Row("app_opt.sklearn.recipes.kmeans", "recipe.sklearn", "KMeansFedAvgRecipe", since="2.7"),
    Row("app_opt.sklearn.recipes.svm", "recipe.sklearn", "SVMFedAvgRecipe", since="2.7"),
    Row("app_opt.tf.recipes.cyclic", "recipe.tf", "CyclicRecipe", since="2.7"),
    Row("app_opt.tf.recipes.fedavg", "recipe.tf", "FedAvgRecipe", since="2.7"),
    Row("app_opt.tf.recipes.fedopt", "recipe.tf", "FedOptRecipe", since="2.7"),
    Row("app_opt.tf.recipes.scaffold", "recipe.tf", "ScaffoldRecipe", since="2.7"),
    Row("recipe.cyclic", "recipe.cyclic", "CyclicRecipe", since="2.7"),
    Row("recipe.fed_task", "recipe.fed_task", "FedTaskRecipe", since="2.9"),
    Row("recipe.fedavg", "recipe.fedavg", "FedAvgRecipe", since="2.7"),
    Row("recipe.fedstats", "recipe.fedstats", "FedStatsRecipe", since="2.7"),
    Row("recipe.poc_env", "recipe.environment", "PocEnv", since="2.7"),
    Row("recipe.prod_env", "recipe.environment", "ProdEnv", since="2.7"),
    Row("recipe.run", "recipe.execution", "Run", since="2.7"),
    Row("recipe.sim_env", "recipe.environment", "SimEnv", since="2.7"),
    Row("recipe.spec", "recipe.environment", "ExecEnv", since="2.7"),
    Row("recipe.spec", "recipe.spec", "Recipe", since="2.7"),
    Row("recipe.utils", "recipe.additions", "add_cross_site_evaluation add_experiment_tracking", since="2.7"),
    Row("recipe.utils", "recipe.additions",
        "add_final_global_evaluation set_per_site_config set_recipe_meta", since="2.9"),
)

#: Further places where FLARE has the same objects.
AGAIN = (
    Row("app_common.ccwf.recipes.swarm", "recipe.swarm", "BaseSwarmLearningRecipe SwarmLearningRecipe", since="2.9"),
    Row("app_common.np.recipes", "recipe.np", "NumpyCrossSiteEvalRecipe NumpyFedAvgRecipe", since="2.7"),
    Row("app_opt.pt.recipes", "recipe.fedeval", "FedEvalRecipe", since="2.7"),
    Row("app_opt.pt.recipes", "recipe.fedopt", "FedOptRecipe", since="2.7"),
    Row("app_opt.pt.recipes", "recipe.pt", "CyclicRecipe FedAvgRecipe", since="2.7"),
    Row("app_opt.pt.recipes", "recipe.pt", "FedProxRecipe", since="2.9"),
    Row("app_opt.pt.recipes", "recipe.scaffold", "ScaffoldRecipe", since="2.7"),
    Row("app_opt.pt.recipes", "recipe.swarm", "SwarmLearningRecipe", since="2.7"),
    Row("app_opt.sklearn", "recipe.sklearn", "KMeansFedAvgRecipe SVMFedAvgRecipe SklearnFedAvgRecipe", since="2.7"),
    Row("app_opt.sklearn.recipes", "recipe.sklearn", "KMeansFedAvgRecipe SVMFedAvgRecipe SklearnFedAvgRecipe",
        since="2.7"),
    Row("app_opt.tf.recipes", "recipe.tf", "CyclicRecipe FedAvgRecipe FedOptRecipe ScaffoldRecipe", since="2.7"),
    Row("recipe", "recipe.additions", "add_cross_site_evaluation add_experiment_tracking", since="2.7"),
    Row("recipe", "recipe.additions", "add_final_global_evaluation set_per_site_config set_recipe_meta",
        since="2.9"),
    Row("recipe", "recipe.environment", "PocEnv ProdEnv SimEnv", since="2.7"),
    Row("recipe", "recipe.execution", "Run", since="2.7"),
    Row("recipe", "recipe.fed_task", "FedTaskRecipe", since="2.9"),
    Row("recipe", "recipe.fedavg", "FedAvgRecipe", since="2.7"),
)
