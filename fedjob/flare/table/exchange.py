"""What crosses between server and site, and the words for it."""

from fedjob.flare.table.row import Row

# fmt: off

ROWS = (
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
    Row("apis.streaming", "exchange.streaming",
        "ConsumerFactory ObjectConsumer ObjectProducer StreamContext StreamContextKey StreamableEngine"
        " stream_done_cb_signature", since="2.6"),
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
    Row("fuel.utils.secret_utils", "exchange.secrets",
        "SECRET_REF_PATTERN has_secret_refs resolve_secret_refs secret_file_ref secret_ref", since="2.9"),
    Row("security.logging", "exchange.logs",
        "is_secure secure_format_exception secure_format_traceback secure_log_traceback"),
    Row("utils.configs", "exchange.job_config",
        "get_client_config_value get_job_config_value get_server_config_value", since="2.7"),
)

#: Further places where FLARE has the same objects.
AGAIN = (
    Row("client", "exchange.fl_model", "FLModel ParamsType"),
    Row("client", "exchange.analytics", "AnalyticsDataType"),
    Row("client.api", "exchange.fl_model", "FLModel"),
    Row("client.api", "exchange.analytics", "AnalyticsDataType"),
    Row("client.lightning", "exchange.analytics", "AnalyticsDataType"),
    Row("client.lightning", "exchange.fl_model", "FLModel ParamsType"),
    Row("client.tracking", "exchange.analytics", "AnalyticsDataType LogWriterName"),
    Row("apis.controller_spec", "exchange.client", "Client"),
    Row("app_common.abstract.model", "exchange.learnable", "Learnable"),
)
