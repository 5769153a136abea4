"""The Client API that a training script sees."""

from fedjob.flare.table.row import Row

# fmt: off

ROWS = (
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

#: Further places where FLARE has the same objects.
AGAIN = (
    Row("client", "client.api",
        "get_config get_job_id get_site_name init is_evaluate is_running is_submit_model is_train log receive send"
        " system_info"),
    Row("client", "client.api", "shutdown", since="2.6"),
    Row("client", "client.api", "get_task_name", since="2.9"),
    Row("client", "client.decorator", "evaluate train"),
    Row("client.api", "client.api", "APIContext", since="2.6"),
    Row("client.api", "client.api", "ClientAPIType"),
    Row("app_opt.lightning", "client.lightning.callbacks", "FLCallback patch"),
    Row("client.lightning", "client.api", "get_config get_job_id get_site_name init is_running log receive system_info"),
    Row("client.lightning", "client.api", "shutdown", since="2.6"),
    Row("client.lightning", "client.lightning.callbacks", "FLCallback patch"),
    Row("client.lightning", "client.lightning.client_logger", "logger=ClientLogger", since="2.7"),
    Row("client.tracking", "client.api", "APIContext", since="2.6"),
)
