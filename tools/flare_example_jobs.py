"""The jobs among FLARE's examples (2.6 and after) that need neither a download, a GPU nor a deployment of FLARE."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath

_DATA = "/tmp/nvflare/dataset"
_TUTORIALS = "tutorials/self-paced-training"
_CONVERTING = (
    f"{_TUTORIALS}/part-1_federated_learning_introduction/chapter-2_develop_federated_learning_applications"
    "/02.4_convert_machine_learning_to_federated_learning"
)
_IRIS = (
    "utils/prepare_data.py",
    "--dataset_name",
    "iris",
    "--randomize",
    "0",
    "--out_path",
    f"{_DATA}/sklearn_iris.csv",
)
_CANCER = (*_IRIS[:2], "cancer", *_IRIS[3:6], f"{_DATA}/sklearn_breast_cancer.csv")
_VETERANS = (
    "utils/prepare_data.py",
    "--site_num",
    "5",
    "--bin_days",
    "7",
    "--out_path",
    f"{_DATA}/km_data",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One example: what its README says to prepare and to run."""

    path: str  #: script or job folder, below ``examples``
    clients: int | None = None  #: None: the job names its sites
    args: tuple[str, ...] = ()
    prepare: tuple[tuple[str, ...], ...] = ()  #: scripts, with arguments, run in `home` before
    home: str = field(default="")
    folder: str = ""  #: the job folder that `prepare` makes from `path`
    unless: str = ""  #: a file in `home` with which the example downloads its data

    def __post_init__(self) -> None:
        object.__setattr__(self, "home", self.home or str(PurePosixPath(self.path).parent))

    @property
    def title(self) -> str:
        return " ".join([self.path, *self.args])


JOBS = (
    Job(path="hello-world/hello-ccwf/swarm_script_runner_np.py", clients=2),
    Job(path="hello-world/hello-fedavg-numpy/fedavg_script_runner_hello-numpy.py"),
    Job(
        path="hello-world/hello-numpy-cross-val/job_cse.py",
        clients=2,
        prepare=(("generate_pretrain_models.py",),),
    ),
    Job(path="hello-world/hello-numpy-cross-val/job_train_and_cse.py", clients=2),
    Job(path="hello-world/hello-numpy-sag/jobs/hello-numpy-sag", clients=2),
    Job(path="hello-world/ml-to-fl/np/np_client_api_job.py", clients=2),
    Job(
        path="hello-world/ml-to-fl/np/np_client_api_job.py", clients=2, args=("--script", "src/train_diff.py")
    ),
    Job(path="hello-world/ml-to-fl/np/np_client_api_job.py", clients=2, args=("--launch_process",)),
    Job(
        path="hello-world/ml-to-fl/np/np_client_api_job.py",
        clients=2,
        args=("--script", "src/train_metrics.py"),
    ),
    Job(path="docker/jobs/hello-numpy-docker"),
    Job(path="advanced/sklearn-kmeans/kmeans_job.py", prepare=(_IRIS,)),
    Job(path="advanced/sklearn-kmeans/kmeans_job_clientapi.py", prepare=(_IRIS,)),
    Job(
        path="advanced/sklearn-svm/jobs/sklearn_svm_base",
        clients=3,
        home="advanced/sklearn-svm",
        folder="advanced/sklearn-svm/jobs/sklearn_svm_3_uniform_sklearn",
        prepare=(
            _CANCER,
            (
                "utils/prepare_job_config.py",
                "--task_name",
                "sklearn_svm",
                "--data_path",
                f"{_DATA}/sklearn_breast_cancer.csv",
                "--site_num",
                "3",
                "--valid_frac",
                "0.2",
                "--split_method",
                "uniform",
                "--backend",
                "sklearn",
            ),
        ),
    ),
    Job(
        path="advanced/kaplan-meier-he/km_job.py",
        clients=5,
        prepare=(_VETERANS,),
        unless="utils/download_data.py",
    ),
    Job(
        path=f"{_CONVERTING}/02.4.2_convert_kmeans_to_federated_learning/code/kmeans_job.py", prepare=(_IRIS,)
    ),
    Job(
        path=f"{_CONVERTING}/02.4.3_convert_survival_analysis_to_federated_learning/code/km_job.py",
        clients=5,
        prepare=(_VETERANS,),
        unless="utils/download_data.py",
    ),
    Job(
        path=f"{_TUTORIALS}/part-3_security_and_privacy/chapter-5_Privacy_In_Federated_Learning"
        "/05.3_homomorphic_encryption/km_job.py",
        clients=5,
        prepare=(_VETERANS,),
        unless="utils/download_data.py",
    ),
    Job(path="advanced/distributed_optimization/1-consensus/launcher.py"),
    Job(path="advanced/distributed_optimization/2-two_moons/launcher_dgd.py"),
    Job(path="advanced/distributed_optimization/2-two_moons/launcher_gt.py"),
    Job(path="advanced/distributed_optimization/2-two_moons/launcher_gtadam.py"),
    Job(path="advanced/feature_election/job.py", clients=3),
    Job(path="advanced/streaming/simple_dict_streaming_job.py", clients=1),
    Job(path="advanced/streaming/simple_file_streaming_job.py", clients=1),
    # Written with recipes.
    Job(path="hello-world/hello-numpy/job.py", clients=2),
    Job(
        path="hello-world/hello-numpy-cross-val/job.py",
        clients=2,
        prepare=(("generate_pretrain_models.py",),),
    ),
    Job(path="hello-world/hello-log-streaming/job.py", clients=2),
    Job(path="advanced/sklearn-kmeans/job.py", prepare=(_IRIS,)),
    Job(path="advanced/sklearn-svm/job.py", prepare=((*_CANCER[:-1], f"{_DATA}/cancer.csv"),)),
    # Written with the collaboration API.
    Job(path="advanced/collab/hello_fedavg/hello_fedavg.py", clients=2),
    Job(path="hello-world/hello-collab/job.py", clients=2),
)
