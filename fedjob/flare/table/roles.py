"""The roles that components play."""

from fedjob.flare.table.row import Row

# fmt: off

ROWS = (
    Row("apis.controller_spec", "components.controller", "ControllerSpec"),
    Row("apis.controller_spec", "components.task",
        "ClientTask OperatorConfigKey OperatorMethod SendOrder Task TaskCompletionStatus TaskOperatorKey"),
    Row("apis.executor", "components.roles", "Executor"),
    Row("apis.filter", "components.roles", "Filter FilterChainType FilterSource"),
    Row("apis.fl_component", "components.roles", "FLComponent"),
    Row("apis.impl.controller", "components.controller", "Controller"),
    Row("app_common.executors.client_api_executor", "components.executors.client_api", "ClientAPIExecutor",
        since="2.9"),
    Row("app_common.executors.in_process_client_api_executor", "components.executors.in_process",
        "InProcessClientAPIExecutor", before="2.9"),
    Row("app_common.executors.client_api_launcher_executor", "components.executors.launched",
        "ClientAPILauncherExecutor", before="2.9"),
    Row("app_common.utils.fl_component_wrapper", "components.workflows.wrapper", "FLComponentWrapper"),
    Row("app_common.workflows.base_fedavg", "components.workflows.base_fedavg", "BaseFedAvg"),
    Row("app_common.workflows.base_model_controller", "components.workflows.base_model_controller",
        "BaseModelController"),
    Row("app_common.workflows.fedavg", "components.workflows.fedavg", "FedAvg"),
    Row("app_common.workflows.model_controller", "components.workflows.model_controller", "ModelController"),
    Row("app_opt.pt.in_process_client_api_executor", "components.executors.in_process",
        "PTInProcessClientAPIExecutor", before="2.9"),
    Row("app_opt.tf.in_process_client_api_executor", "components.executors.in_process",
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
