"""What describes a job."""

from fedjob.flare.table.row import Row

# fmt: off

ROWS = (
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

#: Further places where FLARE has the same objects.
AGAIN = (
    Row("", "job.api", "FedJob"),
    Row("", "job.defs", "FilterType"),
    Row("", "job.simulator_runner", "SimulatorRunner"),
    Row("job_config.api", "job.defs", "FilterType JobTargetType"),
    Row("job_config.script_runner", "job.defs", "FrameworkType"),
)
