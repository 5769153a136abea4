"""The job whose exports by the real FLARE 2.5 to 2.9 lie in tests/data/flare/<release>/hello."""

from nvflare.app_common.filters.percentile_privacy import PercentilePrivacy
from nvflare.app_common.np.np_model_persistor import NPModelPersistor
from nvflare.app_common.widgets.intime_model_selector import IntimeModelSelector
from nvflare.app_common.workflows.fedavg import FedAvg
from nvflare.job_config.api import FedJob
from nvflare.job_config.defs import FilterType
from nvflare.job_config.script_runner import FrameworkType, ScriptRunner

job = FedJob(name="hello", min_clients=2)
job.to_server(FedAvg(num_clients=2, num_rounds=2))
job.to_server(NPModelPersistor(), id="persistor")
job.to_server(IntimeModelSelector(key_metric="accuracyé"))
job.to_clients(ScriptRunner(script="src/train.py", script_args="--n 1", framework=FrameworkType.NUMPY))
job.to_clients(PercentilePrivacy(), filter_type=FilterType.TASK_RESULT, tasks=["train"])
job.export_job("jobs")
