"""THE table: FLARE's dotted paths and our objects that answer them, per release.

A row says: the names in FLARE's module `flare` (written without the leading ``nvflare.``) are the
objects of the same name in our module `home`, in the releases from `since` to before `before`. A name
that differs is written ``FlareName=our_name``; ``*`` stands for the module itself.
Rows are text on both sides, so reading the table imports nothing. The first row that names an
object gives the path under which it is exported; later rows are the places FLARE re-exports it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any

from fedjob.errors import NameUnknown, ReleaseError
from fedjob.flare import further
from fedjob.flare.releases import RELEASES, Release, span

ROOT = "nvflare"


@dataclass(frozen=True, slots=True)
class Row:
    """Some names of one module of FLARE."""

    flare: str  #: module without the leading "nvflare."; "" is the package itself
    home: str  #: our module, without the leading "fedjob."
    names: str  #: separated by blanks
    since: str | None = None  #: first release that has the names
    before: str | None = None  #: first release that has them no more


# One section per stage; rows are sorted by FLARE's module within a section.
# fmt: off

_JOB = (
    Row("app_common.ccwf.ccwf_job", "job.ccwf_job",
        "CCWFJob CrossSiteEvalConfig CyclicClientConfig CyclicServerConfig SwarmClientConfig SwarmServerConfig"),
    Row("app_opt.flower.flower_job", "job.flower_job", "FlowerJob"),
    Row("app_opt.pt.job_config.base_fed_job", "job.pt", "BaseFedJob"),
    Row("app_opt.pt.job_config.fed_avg", "job.pt", "FedAvgJob"),
    Row("app_opt.pt.job_config.fed_sag_mlflow", "job.sag_mlflow", "SAGMLFlowJob"),
    Row("app_opt.pt.job_config.model", "job.models", "PTModel"),
    Row("app_opt.tf.job_config.base_fed_job", "job.tf", "BaseFedJob"),
    Row("app_opt.tf.job_config.fed_avg", "job.tf", "FedAvgJob"),
    Row("app_opt.tf.job_config.model", "job.models", "TFModel"),
    Row("job_config.api", "job.api", "FedJob JobCtx validate_object_for_job validate_target_name"),
    Row("job_config.api", "job.app", "ClientApp FedApp ServerApp"),
    Row("job_config.api", "job.roles", "has_add_to_job_method"),
    Row("job_config.base_fed_job", "job.base_fed_job", "BaseFedJob", since="2.7"),
    Row("job_config.defs", "job.defs", "FilterType JobTargetType"),
    Row("job_config.file_source", "job.file_source", "FileSource", since="2.6"),
    Row("fuel.utils.constants", "job.defs", "FrameworkType", since="2.7"),
    Row("private.fed.app.simulator.simulator_runner", "job.simulator_runner", "SimulatorRunner"),
    Row("job_config.script_runner", "job.script_runner", "ScriptRunner"),
    Row("job_config.script_runner", "job.defs", "PipeConnectType", since="2.6", before="2.9"),
    Row("job_config.script_runner", "job.base_script_runner", "BaseScriptRunner", before="2.9"),
    Row("job_config.stats_job", "job.stats_job", "StatsJob"),
)

_EXCHANGE = (
    Row("apis.analytix", "exchange.analytics",
        "AnalyticsData AnalyticsDataType LogWriterName TrackConst"),
    Row("apis.analytix", "exchange.analytics", "ANALYTIC_EVENT_TYPE", since="2.6"),
    Row("apis.client", "exchange.client", "Client"),
    Row("apis.client", "exchange.client", "ClientDictKey ClientPropKey from_dict", since="2.6"),
    Row("apis.dxo", "exchange.dxo",
        "DXO DataKind MetaKey from_bytes from_file from_shareable get_leaf_dxos"),
    Row("apis.dxo", "exchange.dxo", "from_dict", since="2.7"),
    Row("apis.event_type", "exchange.events", "EventType"),
    Row("apis.fl_constant", "exchange.keys",
        "EventScope FLContextKey FLMetaKey FedEventHeader FilterKey LogMessageTag ReservedKey ReservedTopic"
        " ReturnCode WorkspaceConstants"),
    Row("apis.fl_constant", "exchange.settings",
        "ConfigVarName JobConstants NonSerializableKeys RunnerTask SiteType SystemComponents SystemConfigs"
        " SystemVarName"),
    Row("apis.fl_constant", "exchange.settings", "ProcessType StreamCtxKey", since="2.6"),
    Row("apis.fl_context", "exchange.fl_context", "FLContext FLContextManager"),
    Row("apis.fl_exception", "exchange.exceptions",
        "FLCommunicationError NotAuthenticated NotAuthorized NotReadyToEndRun TaskExecutionError"
        " UnsafeComponentError UnsafeJobError"),
    Row("apis.job_def", "exchange.job_def",
        "ALL_SITES JobMetaKey RunStatus SERVER_SITE_NAME get_custom_prop get_custom_props is_valid_job_id"
        " new_job_id"),
    Row("apis.job_def", "exchange.job_def", "DEFAULT_STUDY", since="2.8"),
    Row("apis.shareable", "exchange.shareable", "ReservedHeaderKey Shareable make_copy make_reply"),
    Row("apis.signal", "exchange.signal", "Signal"),
    Row("apis.utils.analytix_utils", "exchange.analytics", "create_analytic_dxo send_analytic_dxo"),
    Row("apis.workspace", "exchange.workspace", "Workspace"),
    Row("app_common.abstract.fl_model", "exchange.fl_model", "FLModel FLModelConst MetaKey ParamsType"),
    Row("app_common.abstract.learnable", "exchange.learnable", "Learnable"),
    Row("app_common.abstract.model", "exchange.learnable",
        "ModelLearnable ModelLearnableKey make_model_learnable model_learnable_to_dxo validate_model_learnable"),
    Row("app_common.app_constant", "exchange.app_constants",
        "AlgorithmConstants AppConstants DefaultCheckpointFileName EnvironmentKey ExecutorTasks ModelFormat"
        " ModelName PSIConst StatisticsConstants ValidateType"),
    Row("app_common.app_event_type", "exchange.events", "AppEventType"),
    Row("app_common.np.constants", "exchange.app_constants", "NPConstants"),
    Row("app_common.utils.fl_model_utils", "exchange.fl_model_utils",
        "FLModelUtils MODEL_ATTRS data_kind_to_params_type params_type_to_data_kind"),
    Row("app_common.utils.fedprox_utils", "exchange.fedprox",
        "get_fedprox_mu normalize_fedprox_mu set_fedprox_metadata validate_fedprox_mu", since="2.9"),
    Row("app_common.utils.math_utils", "exchange.math", "operator_mapping parse_compare_criteria"),
    Row("fuel.utils.deprecated", "exchange.deprecated", "deprecated"),
    Row("fuel.utils.deprecated", "exchange.deprecated", "warn_deprecated", since="2.9"),
    Row("fuel.utils.fobs", "exchange.fobs", "*"),
    Row("fuel.utils.fobs.decomposer", "exchange.fobs", "Decomposer"),
    Row("fuel.utils.import_utils", "exchange.optional", "LazyImportError optional_import"),
    Row("fuel.utils.log_utils", "exchange.logs",
        "custom_logger get_module_logger get_obj_logger get_script_logger", since="2.6"),
    Row("fuel.utils.network_utils", "exchange.ports", "get_open_ports"),
    Row("fuel.utils.network_utils", "exchange.ports", "get_local_addresses", since="2.6"),
    Row("security.logging", "exchange.logs",
        "is_secure secure_format_exception secure_format_traceback secure_log_traceback"),
)

# What every workflow and component is built from.
_ROLES = (
    Row("apis.controller_spec", "components.controller", "ControllerSpec"),
    Row("apis.controller_spec", "components.task",
        "ClientTask OperatorConfigKey OperatorMethod SendOrder Task TaskCompletionStatus TaskOperatorKey"),
    Row("apis.executor", "components.roles", "Executor"),
    Row("apis.filter", "components.roles", "Filter FilterChainType FilterSource"),
    Row("apis.fl_component", "components.roles", "FLComponent"),
    Row("apis.impl.controller", "components.controller", "Controller"),
    Row("app_common.executors.client_api_executor", "components.executors.client_api", "ClientAPIExecutor",
        since="2.9"),
    Row("app_common.executors.in_process_client_api_executor", "components.executors.client_api",
        "InProcessClientAPIExecutor", before="2.9"),
    Row("app_common.executors.client_api_launcher_executor", "components.executors.launched",
        "ClientAPILauncherExecutor", before="2.9"),
    Row("app_common.utils.fl_component_wrapper", "components.workflows.wrapper", "FLComponentWrapper"),
    Row("app_common.workflows.base_fedavg", "components.workflows.base_fedavg", "BaseFedAvg"),
    Row("app_common.workflows.base_model_controller", "components.workflows.base_model_controller",
        "BaseModelController"),
    Row("app_common.workflows.fedavg", "components.workflows.fedavg", "FedAvg"),
    Row("app_common.workflows.model_controller", "components.workflows.model_controller", "ModelController"),
    Row("app_opt.pt.in_process_client_api_executor", "components.executors.client_api",
        "PTInProcessClientAPIExecutor", before="2.9"),
    Row("app_opt.tf.in_process_client_api_executor", "components.executors.client_api",
        "TFInProcessClientAPIExecutor", before="2.9"),
    Row("app_opt.pt.client_api_launcher_executor", "components.executors.launched",
        "PTClientAPILauncherExecutor", before="2.9"),
    Row("app_opt.tf.client_api_launcher_executor", "components.executors.launched",
        "TFClientAPILauncherExecutor", before="2.9"),
    Row("app_common.abstract.launcher", "components.launcher", "Launcher", before="2.9"),
    Row("app_common.launchers.subprocess_launcher", "components.launcher", "SubprocessLauncher", before="2.9"),
    Row("fuel.utils.pipe.pipe", "components.launcher", "Pipe", before="2.9"),
    Row("fuel.utils.pipe.cell_pipe", "components.launcher", "CellPipe", before="2.9"),
    Row("fuel.utils.pipe.file_pipe", "components.launcher", "FilePipe", before="2.9"),
    Row("app_common.widgets.metric_relay", "components.widgets.metric_relay", "MetricRelay", before="2.9"),
    Row("app_common.widgets.external_configurator", "components.widgets.metric_relay", "ExternalConfigurator",
        before="2.9"),
    Row("widgets.widget", "components.roles", "Widget"),
)

# What jobs are put together from.
_COMPONENTS = (
    Row("apis.dxo_filter", "components.filters.dxo_filter", "DXOFilter"),
    Row("apis.filter", "components.filters.blocked", "ContentBlockedException FilterContextKey"),
    Row("app_common.abstract.aggregator", "components.aggregator", "Aggregator"),
    Row("app_common.abstract.formatter", "components.formatter", "Formatter"),
    Row("app_common.abstract.init_final_component", "components.init_final",
        "InitFinalArgsComponent InitFinalComponent"),
    Row("app_common.abstract.learnable_persistor", "components.persistor", "LearnablePersistor"),
    Row("app_common.abstract.learner_spec", "components.learner", "Learner"),
    Row("app_common.abstract.metric_comparator", "components.metric_comparator", "MetricComparator"),
    Row("app_common.abstract.model_learner", "components.learner", "ModelLearner"),
    Row("app_common.abstract.model_locator", "components.locator", "ModelLocator"),
    Row("app_common.abstract.model_persistor", "components.persistor", "ModelPersistor"),
    Row("app_common.abstract.model_processor", "components.model_processor", "ModelProcessor"),
    Row("app_common.abstract.persistor_filter", "components.persistor", "PersistorFilter"),
    Row("app_common.abstract.response_processor", "components.response_processor", "ResponseProcessor"),
    Row("app_common.abstract.shareable_generator", "components.generator", "ShareableGenerator"),
    Row("app_common.abstract.statistics_spec", "components.statistics.spec",
        "Bin BinRange DataType Feature Histogram HistogramType StatisticConfig Statistics"),
    Row("app_common.abstract.statistics_writer", "components.statistics.writer", "StatisticsWriter"),
    Row("app_common.abstract.task_handler", "components.init_final", "TaskHandler"),
    Row("app_common.aggregators.model_aggregator", "components.aggregators.model_aggregator",
        "ModelAggregator", since="2.7"),
    Row("app_common.aggregators.weighted_aggregation_helper",
        "components.aggregators.weighted_aggregation_helper", "WeightedAggregationHelper"),
    Row("app_common.aggregators.weighted_aggregation_helper",
        "components.aggregators.weighted_aggregation_helper", "filter_aggregatable_metrics", since="2.7"),
    Row("app_common.aggregators.weighted_aggregation_helper",
        "components.aggregators.weighted_aggregation_helper", "AggregationStatsKey compute_key_match_stats",
        since="2.9"),
    Row("app_common.aggregators.accumulate_model_aggregator", "components.aggregators.intime_accumulate",
        "AccumulateWeightedAggregator"),
    Row("app_common.aggregators.assembler", "components.aggregators.assembler", "Assembler"),
    Row("app_common.aggregators.collect_and_assemble_aggregator",
        "components.aggregators.collect_and_assemble", "CollectAndAssembleAggregator"),
    Row("app_common.aggregators.collect_and_assemble_model_aggregator",
        "components.aggregators.collect_and_assemble", "CollectAndAssembleModelAggregator", since="2.7"),
    Row("app_common.aggregators.dxo_aggregator", "components.aggregators.dxo_aggregator", "DXOAggregator"),
    Row("app_common.aggregators.dxo_collector", "components.aggregators.dxo_collector", "DXOCollector"),
    Row("app_common.aggregators.intime_accumulate_model_aggregator",
        "components.aggregators.intime_accumulate", "InTimeAccumulateWeightedAggregator"),
    Row("app_common.aggregators.lazy", "components.aggregators.lazy", "LazyAggregator", since="2.7"),
    Row("app_common.ccwf.client_ctl", "components.ccwf.client", "ClientSideController"),
    Row("app_common.ccwf.common", "components.ccwf.common",
        "Constant CyclicOrder ModelType NumberMetricComparator ResultType StatusReport make_task_name"
        " rotate_to_front status_report_from_dict topic_for_end_workflow"),
    Row("app_common.ccwf.comps.np_file_model_persistor", "components.persistors.np_file",
        "NPFileModelPersistor"),
    Row("app_common.ccwf.comps.simple_intime_model_selector",
        "components.widgets.simple_intime_model_selector", "SimpleIntimeModelSelector"),
    Row("app_common.ccwf.comps.simple_model_shareable_generator", "components.generators.simple_model",
        "SimpleModelShareableGenerator"),
    Row("app_common.ccwf.cse_client_ctl", "components.ccwf.cse_client", "CrossSiteEvalClientController"),
    Row("app_common.ccwf.cse_server_ctl", "components.ccwf.cse_server", "CrossSiteEvalServerController"),
    Row("app_common.ccwf.cyclic_client_ctl", "components.ccwf.cyclic_client", "CyclicClientController"),
    Row("app_common.ccwf.cyclic_server_ctl", "components.ccwf.cyclic_server", "CyclicServerController"),
    Row("app_common.ccwf.eval_gen", "components.ccwf.cse_plan", "parallel_eval_generator", since="2.6"),
    Row("app_common.ccwf.server_ctl", "components.ccwf.server", "ServerSideController"),
    Row("app_common.ccwf.swarm_client_ctl", "components.ccwf.swarm_client", "SwarmClientController"),
    Row("app_common.ccwf.swarm_server_ctl", "components.ccwf.swarm_server", "SwarmServerController"),
    Row("app_common.executors.error_handling_executor", "components.executors.error_handling",
        "ErrorHandlingExecutor"),
    Row("app_common.executors.learner_executor", "components.executors.learner", "LearnerExecutor"),
    Row("app_common.executors.model_learner_executor", "components.executors.model_learner",
        "ModelLearnerExecutor"),
    Row("app_common.executors.splitnn_learner_executor", "components.workflows.splitnn",
        "SplitNNLearnerExecutor"),
    Row("app_common.executors.statistics.statistics_executor", "components.statistics.handler",
        "StatisticsExecutor"),
    Row("app_common.executors.statistics.statistics_task_handler", "components.statistics.handler",
        "StatisticsTaskHandler"),
    Row("app_common.filters.convert_weights", "components.filters.convert_weights", "ConvertWeights"),
    Row("app_common.filters.dxo_blocker", "components.filters.dxo_blocker", "DXOBlocker"),
    Row("app_common.filters.exclude_vars", "components.filters.exclude_vars", "ExcludeVars"),
    Row("app_common.filters.percentile_privacy", "components.filters.percentile_privacy",
        "PercentilePrivacy"),
    Row("app_common.filters.statistics_privacy_filter", "components.filters.statistics_privacy",
        "StatisticsPrivacyFilter"),
    Row("app_common.filters.svt_privacy", "components.filters.svt_privacy", "SVTPrivacy"),
    Row("app_common.model_desc", "components.persistor", "ModelDescriptor"),
    Row("app_common.model_locator.list_model_locator", "components.locators.list", "ListModelLocator"),
    Row("app_common.np.np_formatter", "components.np.formatter", "NPFormatter"),
    Row("app_common.np.np_model_locator", "components.locators.np", "NPModelLocator"),
    Row("app_common.np.np_model_persistor", "components.persistors.np", "NPModelPersistor"),
    Row("app_common.np.np_trainer", "components.np.trainer", "NPTrainer"),
    Row("app_common.np.np_validator", "components.np.validator", "NPValidator"),
    Row("app_common.response_processors.global_weights_initializer",
        "components.workflows.global_weights_initializer", "GlobalWeightsInitializer WeightMethod"),
    Row("app_common.shareablegenerators.full_model_shareable_generator", "components.generators.full_model",
        "FullModelShareableGenerator"),
    Row("app_common.shareablegenerators.passthru", "components.generators.passthru",
        "PassthroughShareableGenerator", since="2.7"),
    Row("app_common.statistics.histogram_bins_cleanser", "components.statistics.cleansers",
        "HistogramBinsCleanser"),
    Row("app_common.statistics.json_stats_file_persistor", "components.statistics.json_writer",
        "JsonStatsFileWriter"),
    Row("app_common.statistics.min_count_cleanser", "components.statistics.cleansers", "MinCountCleanser"),
    Row("app_common.statistics.min_max_cleanser", "components.statistics.cleansers", "AddNoiseToMinMax"),
    Row("app_common.statistics.numeric_stats", "components.statistics.combine",
        "accumulate_hists accumulate_metrics bins_to_dict filter_numeric_features get_global_stats get_means"
        " get_min_or_max_values"),
    Row("app_common.statistics.numpy_utils", "components.statistics.arrays",
        "NpEncoder dtype_to_data_type get_std_histogram_buckets"),
    Row("app_common.statistics.statistics_config_utils", "components.statistics.settings",
        "get_feature_bin_range"),
    Row("app_common.statistics.statistics_privacy_cleanser", "components.statistics.cleansers",
        "StatisticsPrivacyCleanser"),
    Row("app_common.tracking.log_writer", "components.receivers.log_writer", "LogWriter"),
    Row("app_common.utils.component_utils", "components.init_final", "check_component_type"),
    Row("app_common.utils.file_utils", "components.paths", "get_ext_format get_file_ext get_file_format"),
    Row("app_common.utils.file_utils", "components.paths", "resolve_path_under_root", since="2.8"),
    Row("app_common.utils.json_utils", "components.statistics.json_writer", "ObjectEncoder"),
    Row("app_common.widgets.convert_to_fed_event", "components.widgets.convert_to_fed_event",
        "ConvertToFedEvent FED_EVENT_PREFIX"),
    Row("app_common.widgets.event_recorder", "components.widgets.event_recorder", "EventRecorder"),
    Row("app_common.widgets.decomposer_reg", "components.widgets.decomposer_register", "DecomposerRegister",
        since="2.7"),
    Row("app_common.widgets.intime_model_selector", "components.widgets.intime_model_selector",
        "IntimeModelSelectionHandler IntimeModelSelector"),
    Row("app_common.widgets.metrics_artifact_writer", "components.widgets.metrics_artifact_writer",
        "MetricsArtifactWriter", since="2.9"),
    Row("app_common.widgets.streaming", "components.receivers.analytics",
        "AnalyticsReceiver AnalyticsSender"),
    Row("app_common.widgets.validation_json_generator", "components.widgets.validation_json_generator",
        "ValidationJsonGenerator"),
    Row("app_common.workflows.broadcast_and_process", "components.workflows.broadcast_and_process",
        "BroadcastAndProcess"),
    Row("app_common.workflows.cmd_task_controller", "components.workflows.cmd_task_controller",
        "CmdTaskController"),
    Row("app_common.workflows.cross_site_eval", "components.workflows.cross_site_eval", "CrossSiteEval"),
    Row("app_common.workflows.cross_site_model_eval", "components.workflows.cross_site_model_eval",
        "CrossSiteModelEval"),
    Row("app_common.workflows.cyclic", "components.workflows.cyclic", "Cyclic"),
    Row("app_common.workflows.cyclic_ctl", "components.workflows.cyclic_ctl", "CyclicController RelayOrder"),
    Row("app_common.workflows.etl_controller", "components.workflows.cmd_task_controller", "ETLController"),
    Row("app_common.workflows.global_model_eval", "components.workflows.global_model_eval", "GlobalModelEval"),
    Row("app_common.workflows.initialize_global_weights", "components.workflows.broadcast_and_process",
        "InitializeGlobalWeights"),
    Row("app_common.workflows.scaffold", "components.workflows.scaffold", "Scaffold scaffold_aggregate_fn"),
    Row("app_common.workflows.scatter_and_gather", "components.workflows.scatter_and_gather",
        "ScatterAndGather"),
    Row("app_common.workflows.splitnn_workflow", "components.workflows.splitnn",
        "SplitNNConstants SplitNNController SplitNNDataKind"),
    Row("app_common.workflows.statistics_controller", "components.workflows.statistics",
        "StatisticsController"),
    Row("app_opt.pt.decomposers", "components.pt.decomposers", "TensorDecomposer"),
    Row("app_opt.pt.ditto", "components.pt.ditto", "PTDittoHelper"),
    Row("app_opt.pt.fedavg", "components.workflows.pt_fedavg", "PTFedAvg", since="2.7"),
    Row("app_opt.pt.fedavg_early_stopping", "components.workflows.pt_fedavg", "PTFedAvgEarlyStopping",
        before="2.7"),
    Row("app_opt.pt.fedopt", "components.generators.pt_fedopt", "PTFedOptModelShareableGenerator"),
    Row("app_opt.pt.fedopt_ctl", "components.workflows.pt_fedopt", "FedOpt"),
    Row("app_opt.pt.fedproxloss", "components.pt.fedprox_loss", "PTFedProxLoss"),
    Row("app_opt.pt.file_model_locator", "components.locators.pt", "PTFileModelLocator"),
    Row("app_opt.pt.file_model_persistor", "components.persistors.pt", "PTFileModelPersistor"),
    Row("app_opt.pt.model_persistence_format_manager", "components.persistors.pt_checkpoint",
        "PTModelPersistenceFormatManager"),
    Row("app_opt.pt.model_reader_writer", "components.pt.model_reader_writer", "PTModelReaderWriter"),
    Row("app_opt.pt.quantization.ada_quant", "components.filters.ada_quant", "AdaQuantizer", since="2.7"),
    Row("app_opt.pt.quantization.dequantizer", "components.filters.quantization", "ModelDequantizer",
        since="2.6"),
    Row("app_opt.pt.quantization.quantizer", "components.filters.quantization", "ModelQuantizer", since="2.6"),
    Row("app_opt.pt.scaffold", "components.pt.scaffold", "PTScaffoldHelper get_lr_values"),
    Row("app_opt.pt.utils", "components.persistors.pt_params", "feed_vars"),
    Row("app_opt.pt.utils", "components.persistors.pt_params",
        "ModelParamMatchReport ParamShapeMismatch inspect_model_params", since="2.8"),
    Row("app_opt.sklearn.data_loader", "components.tabular", "get_pandas_reader load_data load_data_for_range"),
    Row("app_opt.sklearn.joblib_model_param_persistor", "components.persistors.joblib_params",
        "JoblibModelParamPersistor"),
    Row("app_opt.sklearn.sklearn_executor", "components.executors.sklearn", "SKLearnExecutor"),
    Row("app_opt.statistics.df.df_core_statistics", "components.statistics.data_frames", "DFStatisticsCore",
        since="2.6"),
    Row("app_opt.tf.file_model_locator", "components.locators.tf", "TFFileModelLocator", since="2.7"),
    Row("app_opt.tf.model_persistor", "components.persistors.tf", "TFModelPersistor"),
    Row("app_opt.tf.utils", "components.persistors.tf_layers",
        "SPECIAL_KEY flat_layer_weights_dict unflat_layer_weights_dict"),
    Row("app_opt.tracking.mlflow.mlflow_writer", "components.receivers.log_writer", "MLflowWriter"),
    Row("app_opt.tracking.tb.tb_event_writer", "components.receivers.tb_events", "TensorBoardEventWriter",
        since="2.8"),
    Row("app_opt.tracking.tb.tb_receiver", "components.receivers.tensorboard", "TBAnalyticsReceiver"),
    Row("app_opt.tracking.tb.tb_writer", "components.receivers.log_writer", "TBWriter"),
    Row("app_opt.tracking.wandb.wandb_writer", "components.receivers.log_writer", "WandBWriter"),
    Row("metrics.job_metrics_collector", "components.monitoring", "JobMetricsCollector", since="2.6"),
    Row("metrics.metrics_collector", "components.monitoring", "MetricsCollector", since="2.6"),
    Row("metrics.metrics_keys", "components.monitoring", "METRICS_EVENT_TYPE MetricKeys MetricTypes", since="2.6"),
    Row("metrics.remote_metrics_receiver", "components.monitoring", "RemoteMetricsReceiver", since="2.6"),
    Row("fuel_opt.statsd.statsd_reporter", "components.monitoring", "StatsDReporter", since="2.6"),
    Row("fuel.utils.class_loader", "components.building", "load_class", since="2.6"),
    Row("fuel.utils.class_utils", "components.building", "instantiate_class"),
    Row("fuel.utils.validation_utils", "components.checks",
        "check_callable check_non_empty_str check_non_negative_int check_non_negative_number check_number_range"
        " check_object_type check_positive_int check_positive_number check_str"),
)

_CLIENT = (
    Row("client", "client", "*"),
    Row("client.api", "client.api",
        "clear get_config get_job_id get_site_name get_task_name init is_evaluate is_running is_submit_model"
        " is_train log receive send system_info"),
    Row("client.api", "client.api", "get_context shutdown", since="2.6"),
    Row("client.api_context", "client.api", "APIContext ClientAPIType", since="2.6"),
    Row("client.config", "client.config", "ClientConfig ConfigKey ExchangeFormat TransferType"),
    Row("client.config", "client.config", "normalize_exchange_format", since="2.9"),
    Row("client.converter_utils", "client.convert", "convert_params validate_format_pair", since="2.9"),
    Row("client.decorator", "client.decorator", "evaluate train"),
    Row("app_opt.lightning.api", "client.lightning.callbacks", "FLCallback FL_META_KEY patch"),
    Row("app_opt.lightning.callbacks", "client.lightning.callbacks", "RestoreState"),
    Row("app_opt.lightning.loggers.client_logger", "client.lightning.client_logger", "ClientLogger", since="2.7"),
    Row("client.lightning", "client.lightning", "*"),
    Row("client.tracking", "client.tracking", "MLflowWriter SummaryWriter WandBWriter"),
    Row("client.utils", "client.convert", "numerical_params_diff"),
)

#: The second and third places where FLARE has the same object.
_AGAIN = (
    Row("client", "client.api",
        "get_config get_job_id get_site_name init is_evaluate is_running is_submit_model is_train log receive send"
        " system_info"),
    Row("client", "client.api", "shutdown", since="2.6"),
    Row("client", "client.api", "get_task_name", since="2.9"),
    Row("client", "client.decorator", "evaluate train"),
    Row("client", "exchange.fl_model", "FLModel ParamsType"),
    Row("client", "exchange.analytics", "AnalyticsDataType"),
    Row("client.api", "client.api", "APIContext", since="2.6"),
    Row("client.api", "client.api", "ClientAPIType"),
    Row("client.api", "exchange.fl_model", "FLModel"),
    Row("client.api", "exchange.analytics", "AnalyticsDataType"),
    Row("app_opt.lightning", "client.lightning.callbacks", "FLCallback patch"),
    Row("client.lightning", "client.api", "get_config get_job_id get_site_name init is_running log receive system_info"),
    Row("client.lightning", "client.api", "shutdown", since="2.6"),
    Row("client.lightning", "client.lightning.callbacks", "FLCallback patch"),
    Row("client.lightning", "client.lightning.client_logger", "logger=ClientLogger", since="2.7"),
    Row("client.lightning", "exchange.analytics", "AnalyticsDataType"),
    Row("client.lightning", "exchange.fl_model", "FLModel ParamsType"),
    Row("client.tracking", "client.api", "APIContext", since="2.6"),
    Row("client.tracking", "exchange.analytics", "AnalyticsDataType LogWriterName"),
    Row("", "job.api", "FedJob"),
    Row("", "job.defs", "FilterType"),
    Row("", "job.simulator_runner", "SimulatorRunner"),
    Row("apis.controller_spec", "exchange.client", "Client"),
    Row("app_common.abstract.model", "exchange.learnable", "Learnable"),
    Row("app_common.aggregators", "components.aggregators.intime_accumulate",
        "AccumulateWeightedAggregator InTimeAccumulateWeightedAggregator"),
    Row("app_common.aggregators", "components.aggregators.collect_and_assemble", "CollectAndAssembleAggregator"),
    Row("app_common.aggregators", "components.aggregators.collect_and_assemble", "CollectAndAssembleModelAggregator",
        since="2.7"),
    Row("app_common.filters", "components.filters.exclude_vars", "ExcludeVars"),
    Row("app_common.filters", "components.filters.percentile_privacy", "PercentilePrivacy"),
    Row("app_common.filters", "components.filters.svt_privacy", "SVTPrivacy"),
    Row("app_common.shareablegenerators", "components.generators.full_model", "FullModelShareableGenerator"),
    Row("job_config.api", "job.defs", "FilterType JobTargetType"),
    Row("job_config.script_runner", "job.defs", "FrameworkType"),
)

# fmt: on

TABLE = _JOB + _EXCHANGE + _ROLES + _COMPONENTS + _CLIENT + _AGAIN


@dataclass(frozen=True, slots=True)
class Name:
    """One name of FLARE and the object that answers it."""

    path: str  #: FLARE's dotted path, "nvflare." included
    target: str  #: ours, as "module:attribute"; "module:*" is the module itself
    releases: tuple[Release, ...]  #: the releases that have it there

    def load(self) -> Any:
        """Our object; imports its module."""
        module, _, attribute = self.target.partition(":")
        loaded = import_module(module)
        return loaded if attribute == "*" else getattr(loaded, attribute)


def load(path: str) -> Any:
    """The object for FLARE's dotted `path`, of whatever release, ours or a plugin's. Raises NameUnknown."""
    found = _by_path().get(path)
    if found is not None:
        return found[0].load()
    target = further.targets().get(path)
    if target is None:
        raise unknown(path)
    return Name(path, target, RELEASES).load()


def path_of(thing: Any, release: Release | str | None = None) -> str | None:
    """FLARE's path, in that release, of our class or function or of an instance of our class.

    None when it is not in the table, as a user's own class is not. Raises ReleaseError, which says which
    releases have the name, when that release lacks it.
    """
    found = _names_of(thing)
    if not found:
        return None
    wanted = Release.of(release)
    name = next((n for n in found if wanted in n.releases), None)
    if name is None:
        having = sorted({r for n in found for r in n.releases})
        raise ReleaseError(
            f"FLARE {wanted} has no {found[0].path}; export for {' or '.join(map(str, having))}, or use another class"
        )
    return name.path


def flare_name(thing: Any) -> str | None:
    """What FLARE calls an object of ours, or of its own, in whatever release; None for a user's object."""
    if found := _names_of(thing):
        return found[0].path
    cls = thing if isinstance(thing, type) else type(thing)
    return f"{cls.__module__}.{cls.__qualname__}" if is_flare(cls.__module__) else None


def _names_of(thing: Any) -> list[Name]:
    cls = thing if isinstance(thing, (type, FunctionType)) else type(thing)
    target = f"{cls.__module__}:{cls.__qualname__}"
    return _by_target().get(target) or [
        Name(path, answer, RELEASES) for path, answer in further.targets().items() if answer == target
    ]


@cache
def names() -> tuple[Name, ...]:
    """Every name of the table, in its order."""
    return tuple(_read_table())


def _read_table() -> Iterator[Name]:
    for row in TABLE:
        releases = span(row.since, row.before)
        for item in row.names.split():
            theirs, _, ours = item.partition("=")
            parts = [ROOT, row.flare] if row.flare else [ROOT]
            path = ".".join(parts if theirs == "*" else [*parts, theirs])
            yield Name(path, f"fedjob.{row.home}:{ours or theirs}", releases)


@cache
def modules() -> dict[str, dict[str, Name]]:
    """FLARE's modules that the table knows, with their names; packages on the way down included."""
    found: dict[str, dict[str, Name]] = defaultdict(dict)
    for name in names():
        if name.target.endswith(":*"):
            found.setdefault(name.path, {})
        else:
            module, _, attribute = name.path.rpartition(".")
            found[module].setdefault(attribute, name)
    for module in list(found):
        for package in _packages_above(module):
            found.setdefault(package, {})
    return dict(found)


def _packages_above(module: str) -> Iterator[str]:
    while "." in module:
        module = module.rpartition(".")[0]
        yield module


def paths() -> frozenset[str]:
    """The dotted paths of all names, of any release, those of plugins included."""
    return frozenset({*_by_path(), *further.targets()})


def unknown(path: str) -> NameUnknown:
    """The error for a name of FLARE that the table does not have."""
    return NameUnknown(
        f'{path} is not part of the embedded FLARE; install nvflare and run with engine="simulator" to use it',
        name=path,
    )


def is_flare(path: str) -> bool:
    """Whether a dotted path names something of FLARE's package."""
    return path.partition(".")[0] == ROOT


@cache
def _by_path() -> dict[str, list[Name]]:
    found: dict[str, list[Name]] = defaultdict(list)
    for name in names():
        found[name.path].append(name)
    return found


@cache
def _by_target() -> dict[str, list[Name]]:
    found: dict[str, list[Name]] = defaultdict(list)
    for name in names():
        found[name.target].append(name)
    return found


def module_of(path: str) -> ModuleType | None:
    """Our module that stands for FLARE's module `path` as a whole (a ``*`` row), if there is one."""
    found = _by_path().get(path)
    whole = found and found[0].target.endswith(":*")
    return found[0].load() if found and whole else None
