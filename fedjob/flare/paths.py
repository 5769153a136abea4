"""FLARE's dotted paths of the classes that jobs add by themselves or ask objects to be."""

# Roles
COMPONENT = "nvflare.apis.fl_component.FLComponent"
EXECUTOR = "nvflare.apis.executor.Executor"
CONTROLLER = "nvflare.apis.impl.controller.Controller"
FILTER = "nvflare.apis.filter.Filter"
WIDGET = "nvflare.widgets.widget.Widget"
AGGREGATOR = "nvflare.app_common.abstract.aggregator.Aggregator"
METRIC_COMPARATOR = "nvflare.app_common.abstract.metric_comparator.MetricComparator"
MODEL_LOCATOR = "nvflare.app_common.abstract.model_locator.ModelLocator"
MODEL_PERSISTOR = "nvflare.app_common.abstract.model_persistor.ModelPersistor"
SHAREABLE_GENERATOR = "nvflare.app_common.abstract.shareable_generator.ShareableGenerator"
ANALYTICS_RECEIVER = "nvflare.app_common.widgets.streaming.AnalyticsReceiver"

# Workflows
FEDAVG = "nvflare.app_common.workflows.fedavg.FedAvg"
SCATTER_AND_GATHER = "nvflare.app_common.workflows.scatter_and_gather.ScatterAndGather"
SCAFFOLD = "nvflare.app_common.workflows.scaffold.Scaffold"
CYCLIC = "nvflare.app_common.workflows.cyclic_ctl.CyclicController"
CROSS_SITE_EVAL = "nvflare.app_common.workflows.cross_site_model_eval.CrossSiteModelEval"
COMMAND = "nvflare.app_common.workflows.cmd_task_controller.CmdTaskController"
LOGISTIC_REGRESSION = "nvflare.app_common.workflows.lr.fedavg.FedAvgLR"
TF_FEDOPT = "nvflare.app_opt.tf.fedopt_ctl.FedOpt"
PT_FEDEVAL = "nvflare.app_opt.pt.recipes.fedeval.EvalController"
STATISTICS = "nvflare.app_common.workflows.statistics_controller.StatisticsController"
SWARM_SERVER = "nvflare.app_common.ccwf.swarm_server_ctl.SwarmServerController"
SWARM_CLIENT = "nvflare.app_common.ccwf.swarm_client_ctl.SwarmClientController"
CYCLIC_SERVER = "nvflare.app_common.ccwf.cyclic_server_ctl.CyclicServerController"
CYCLIC_CLIENT = "nvflare.app_common.ccwf.cyclic_client_ctl.CyclicClientController"
CROSS_SITE_EVAL_SERVER = "nvflare.app_common.ccwf.cse_server_ctl.CrossSiteEvalServerController"
CROSS_SITE_EVAL_CLIENT = "nvflare.app_common.ccwf.cse_client_ctl.CrossSiteEvalClientController"
FLOWER_CONTROLLER = "nvflare.app_opt.flower.controller.FlowerController"

# Executors
CLIENT_API = "nvflare.app_common.executors.client_api_executor.ClientAPIExecutor"
IN_PROCESS = "nvflare.app_common.executors.in_process_client_api_executor.InProcessClientAPIExecutor"
PT_IN_PROCESS = "nvflare.app_opt.pt.in_process_client_api_executor.PTInProcessClientAPIExecutor"
TF_IN_PROCESS = "nvflare.app_opt.tf.in_process_client_api_executor.TFInProcessClientAPIExecutor"
LAUNCHED = "nvflare.app_common.executors.client_api_launcher_executor.ClientAPILauncherExecutor"
PT_LAUNCHED = "nvflare.app_opt.pt.client_api_launcher_executor.PTClientAPILauncherExecutor"
TF_LAUNCHED = "nvflare.app_opt.tf.client_api_launcher_executor.TFClientAPILauncherExecutor"
STATISTICS_EXECUTOR = "nvflare.app_common.executors.statistics.statistics_executor.StatisticsExecutor"
FLOWER_EXECUTOR = "nvflare.app_opt.flower.executor.FlowerExecutor"

# Models
PT_PERSISTOR = "nvflare.app_opt.pt.file_model_persistor.PTFileModelPersistor"
PT_LOCATOR = "nvflare.app_opt.pt.file_model_locator.PTFileModelLocator"
NP_PERSISTOR = "nvflare.app_common.np.np_model_persistor.NPModelPersistor"
NP_LOCATOR = "nvflare.app_common.np.np_model_locator.NPModelLocator"
NP_VALIDATOR = "nvflare.app_common.np.np_validator.NPValidator"
LR_PERSISTOR = "nvflare.app_common.workflows.lr.np_persistor.LRModelPersistor"
TF_LOCATOR = "nvflare.app_opt.tf.file_model_locator.TFFileModelLocator"
JOBLIB_PERSISTOR = "nvflare.app_opt.sklearn.joblib_model_param_persistor.JoblibModelParamPersistor"
PT_FEDOPT_GENERATOR = "nvflare.app_opt.pt.fedopt.PTFedOptModelShareableGenerator"
SIMPLE_GENERATOR = (
    "nvflare.app_common.ccwf.comps.simple_model_shareable_generator.SimpleModelShareableGenerator"
)
COLLECT_AND_ASSEMBLE = (
    "nvflare.app_common.aggregators.collect_and_assemble_model_aggregator.CollectAndAssembleModelAggregator"
)
KMEANS_ASSEMBLER = "nvflare.app_opt.sklearn.kmeans_assembler.KMeansAssembler"
SVM_ASSEMBLER = "nvflare.app_opt.sklearn.svm_assembler.SVMAssembler"
MODEL_AGGREGATOR = "nvflare.app_common.aggregators.model_aggregator.ModelAggregator"
TF_PERSISTOR = "nvflare.app_opt.tf.model_persistor.TFModelPersistor"
FULL_MODEL_GENERATOR = (
    "nvflare.app_common.shareablegenerators.full_model_shareable_generator.FullModelShareableGenerator"
)
IN_TIME_AGGREGATOR = (
    "nvflare.app_common.aggregators.intime_accumulate_model_aggregator.InTimeAccumulateWeightedAggregator"
)

# Widgets
JSON_GENERATOR = "nvflare.app_common.widgets.validation_json_generator.ValidationJsonGenerator"
MODEL_SELECTOR = "nvflare.app_common.widgets.intime_model_selector.IntimeModelSelector"
METRICS_WRITER = "nvflare.app_common.widgets.metrics_artifact_writer.MetricsArtifactWriter"
TO_FED_EVENT = "nvflare.app_common.widgets.convert_to_fed_event.ConvertToFedEvent"
TB_RECEIVER = "nvflare.app_opt.tracking.tb.tb_receiver.TBAnalyticsReceiver"
TF_TB_RECEIVER = "nvflare.app_opt.tf.tb_receiver.TBAnalyticsReceiver"
MLFLOW_RECEIVER = "nvflare.app_opt.tracking.mlflow.mlflow_receiver.MLflowReceiver"
MLFLOW_WRITER = "nvflare.app_opt.tracking.mlflow.mlflow_writer.MLflowWriter"
LOG_STREAMER = "nvflare.app_common.logging.job_log_streamer.JobLogStreamer"
LOG_RECEIVER = "nvflare.app_common.logging.job_log_receiver.JobLogReceiver"
TENSOR_SERVER = "nvflare.app_opt.tensor_stream.server.TensorServerStreamer"
TENSOR_CLIENT = "nvflare.app_opt.tensor_stream.client.TensorClientStreamer"
DECOMPOSERS = "nvflare.app_common.widgets.decomposer_reg.DecomposerRegister"
WANDB_RECEIVER = "nvflare.app_opt.tracking.wandb.wandb_receiver.WandBReceiver"

# What streams are written against
STREAMING = "nvflare.apis.streaming"
STREAMERS = "nvflare.app_common.streamers"

# What connects an external process, up to 2.8
PIPE = "nvflare.fuel.utils.pipe.pipe.Pipe"
LAUNCHER = "nvflare.app_common.abstract.launcher.Launcher"
CELL_PIPE = "nvflare.fuel.utils.pipe.cell_pipe.CellPipe"
SUBPROCESS_LAUNCHER = "nvflare.app_common.launchers.subprocess_launcher.SubprocessLauncher"
METRIC_RELAY = "nvflare.app_common.widgets.metric_relay.MetricRelay"
EXTERNAL_CONFIGURATOR = "nvflare.app_common.widgets.external_configurator.ExternalConfigurator"

# Statistics
STATISTICS_WRITER = "nvflare.app_common.statistics.json_stats_file_persistor.JsonStatsFileWriter"
STATISTICS_FILTER = "nvflare.app_common.filters.statistics_privacy_filter.StatisticsPrivacyFilter"
MIN_COUNT_CLEANSER = "nvflare.app_common.statistics.min_count_cleanser.MinCountCleanser"
MIN_MAX_CLEANSER = "nvflare.app_common.statistics.min_max_cleanser.AddNoiseToMinMax"
BINS_CLEANSER = "nvflare.app_common.statistics.histogram_bins_cleanser.HistogramBinsCleanser"
JSON_ENCODER = "nvflare.app_common.utils.json_utils.ObjectEncoder"
