from src.net import Net
from nvflare.app_common.widgets.intime_model_selector import IntimeModelSelector
from nvflare.app_common.workflows.fedavg import FedAvg
from nvflare.app_opt.pt.job_config.model import PTModel
from nvflare.job_config.api import FedJob
from nvflare.job_config.script_runner import ScriptRunner

job = FedJob(name="cifar10_fedavg")
job.to_server(FedAvg(num_clients=2, num_rounds=2))
job.to_server(PTModel(Net()))
job.to_server(IntimeModelSelector(key_metric="accuracy"))
job.to_clients(ScriptRunner(script="src/cifar10_fl.py", script_args="--batch_size 32"))
job.export_job("job_config")
job.simulator_run("workdir", n_clients=2)
