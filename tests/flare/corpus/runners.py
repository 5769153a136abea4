# imports stand as users write them
"""ScriptRunner and what it becomes in each release."""

from corpus import covers
from corpus.describing import started


def runner(**kwargs):
    from nvflare.job_config.script_runner import ScriptRunner

    job = started()
    job.to_clients(ScriptRunner(script="train_flat.py", **kwargs))
    return job


@covers("ScriptRunner in process, PyTorch")
def script_torch():
    return runner(script_args="--lr 0.1 --name 'a b'")


@covers("ScriptRunner in process, numpy")
def script_numpy():
    from nvflare.job_config.script_runner import FrameworkType

    return runner(framework=FrameworkType.NUMPY)


@covers("ScriptRunner in process, raw")
def script_raw():
    from nvflare.job_config.script_runner import FrameworkType

    return runner(framework=FrameworkType.RAW, params_transfer_type="DIFF")


@covers("ScriptRunner in process, TensorFlow", needs="tensorflow")
def script_tensorflow():
    from nvflare.job_config.script_runner import FrameworkType

    return runner(framework=FrameworkType.TENSORFLOW)


@covers("server_expected_format", since="2.6")
def script_expected_format():
    return runner(server_expected_format="pytorch")


@covers("memory options", since="2.7")
def script_memory():
    return runner(memory_gc_rounds=2, cuda_empty_cache=True)


@covers("ScriptRunner as external process")
def script_external():
    return runner(launch_external_process=True, script_args="--x 1")


@covers("ScriptRunner as external process, numpy, own command")
def script_external_command():
    from nvflare.job_config.script_runner import FrameworkType

    return runner(
        launch_external_process=True, framework=FrameworkType.NUMPY, command="torchrun --nproc_per_node=2"
    )


@covers("ScriptRunner as external process, raw, DIFF")
def script_external_raw():
    from nvflare.job_config.script_runner import FrameworkType

    return runner(launch_external_process=True, framework=FrameworkType.RAW, params_transfer_type="DIFF")


@covers("ScriptRunner as external process, TensorFlow", needs="tensorflow")
def script_external_tensorflow():
    from nvflare.job_config.script_runner import FrameworkType

    return runner(launch_external_process=True, framework=FrameworkType.TENSORFLOW)


@covers("launch options", since="2.7")
def script_launch_options():
    return runner(launch_external_process=True, launch_once=False, shutdown_timeout=15.0)


@covers("launch_timeout, execution_mode, argument lists", since="2.9")
def script_execution_mode():
    return runner(
        execution_mode="external_process",
        launch_timeout=60.0,
        command=["python3", "-u"],
        script_args=["--name", "a b"],
    )


@covers("pipe_connect_type", since="2.6", before="2.9")
def script_pipe():
    from nvflare.job_config.script_runner import PipeConnectType

    return runner(launch_external_process=True, pipe_connect_type=PipeConnectType.VIA_RELAY)


@covers("two runners for different tasks at one site")
def script_tasks():
    from nvflare.job_config.script_runner import FrameworkType, ScriptRunner

    job = started()
    for script, tasks in (("train_flat.py", ["train"]), ("deep/er/script.py", ["validate", "submit_model"])):
        runner = ScriptRunner(script=script, framework=FrameworkType.NUMPY, launch_external_process=True)
        job.to(runner, "site-1", tasks=tasks)
    return job


@covers("additional_node_command for sites on several nodes (2.9)", since="2.7")
def script_nodes():
    from nvflare import FedJob
    from nvflare.app_common.workflows.fedavg import FedAvg
    from nvflare.job_config.script_runner import ScriptRunner

    spec = {
        "default": {"slurm": {"nodes": 2}},
        "site-1": {"slurm": {"nodes": 2}},
        "site-2": {"slurm": {"nodes": 1}},
    }
    job = FedJob(name="nodes", meta_props={"launcher_spec": spec})
    job.to_server(FedAvg(num_clients=2, num_rounds=2))
    job.to_clients(
        ScriptRunner(script="train_flat.py", launch_external_process=True, script_args="--a 'b c'")
    )
    return job


@covers("an executor of FLARE given directly", before="2.9")
def executor_direct():
    from nvflare.app_common.executors.in_process_client_api_executor import InProcessClientAPIExecutor

    job = started()
    job.to_clients(
        InProcessClientAPIExecutor(task_script_path="train_flat.py", params_exchange_format="numpy")
    )
    job.to_clients("train_flat.py")
    return job


@covers("BaseScriptRunner with the user's own launcher", before="2.9")
def base_script_runner():
    from nvflare.app_common.launchers.subprocess_launcher import SubprocessLauncher
    from nvflare.job_config.script_runner import BaseScriptRunner

    job = started()
    launcher = SubprocessLauncher(script="bash custom/run.sh", launch_once=False)
    job.to_clients(BaseScriptRunner(script="train_flat.py", launch_external_process=True, launcher=launcher))
    return job


@covers("an unknown framework: refused", since="9")
def script_unknown_framework():
    return runner(framework="jax")


@covers("a script that is not there: refused", since="9")
def script_missing():
    from nvflare.job_config.script_runner import ScriptRunner

    job = started()
    job.to_clients(ScriptRunner(script="nowhere.py"))
    return job


@covers("an unexpected argument of to(): refused", since="9")
def script_unexpected():
    from nvflare.job_config.script_runner import ScriptRunner

    job = started()
    job.to_clients(ScriptRunner(script="train_flat.py"), steps=3)
    return job
