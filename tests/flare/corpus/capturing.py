# ruff: noqa: I001  # imports stand as users write them
"""Arguments: enums, nested objects, bases' parameters, None, mutable defaults, what FLARE normalises."""

from corpus import covers
from corpus.describing import started


@covers("parameters of bases through *args and **kwargs")
def base_parameters():
    from nvflare import FedJob
    from pkg.components import MyController, MyFedAvg

    job = FedJob(name="bases")
    job.to_server(MyController(rounds=4, persistor_id="other", allow_empty_global_weights=True))
    job.to_server(MyFedAvg(num_clients=3, num_rounds=7, momentum=0.5, start_round=1))
    job.to_clients("run.sh")
    return job


@covers("enums, nested objects, tuples, dictionaries with int keys")
def nested_objects():
    from pkg.components import Plain
    from pkg.inner.parts import Level, Mode, Part

    job = started()
    job.to_server(Plain(part=Part(mode=Mode.SLOW, level=Level.HIGH, part=Part())), id="nested")
    job.to_server(Plain(tags=["b", {"c": (1, 2.5, None, True)}], table={1: "a", "x": {"y": []}}), id="table")
    job.to_server(Plain(tags=("a",), table={}, count=False), id="equal")
    job.to_server(Plain(tags=[Level.HIGH], count=float("nan")), id="odd")
    job.to_clients("run.sh")
    return job


@covers("None where the default is not None", since="2.7")
def none_argument():
    from pkg.components import Plain

    job = started()
    job.to_server(Plain(tags=None))
    job.to_clients("run.sh")
    return job


@covers("parameters that no attribute keeps: left out")
def lost_arguments():
    from pkg.components import Hidden
    from src.net import Sized

    from nvflare.app_opt.pt.job_config.model import PTModel

    job = started()
    job.to_server(Hidden(renamed=5, kept=6))
    job.to_server(PTModel(Sized(hidden=5, outputs=7)))
    job.to_clients("run.sh")
    return job


@covers("attributes normalised by FLARE's constructors")
def normalised():
    from nvflare.app_common.aggregators.intime_accumulate_model_aggregator import (
        InTimeAccumulateWeightedAggregator,
    )
    from nvflare.app_common.np.np_model_locator import NPModelLocator
    from nvflare.app_common.np.np_model_persistor import NPModelPersistor
    from nvflare.app_common.widgets.convert_to_fed_event import ConvertToFedEvent
    from nvflare.app_common.widgets.intime_model_selector import IntimeModelSelector
    from nvflare.app_common.widgets.validation_json_generator import ValidationJsonGenerator

    job = started()
    job.to_server(IntimeModelSelector())
    job.to_server(IntimeModelSelector(aggregation_weights={"site-1": 2.0}, negate_key_metric=True))
    job.to_server(InTimeAccumulateWeightedAggregator(expected_data_kind="WEIGHT_DIFF"))
    job.to_server(InTimeAccumulateWeightedAggregator(expected_data_kind="WEIGHTS", weigh_by_local_iter=False))
    job.to_server(NPModelLocator())
    job.to_server(NPModelPersistor(model_name="m.npy"))
    job.to_server(ValidationJsonGenerator(results_dir="r"))
    job.to_clients(ConvertToFedEvent(events_to_convert=["a", "b"], fed_event_prefix="f."))
    return job


@covers("ScatterAndGather with its parts")
def scatter_and_gather():
    from nvflare import FedJob
    from nvflare.app_common.aggregators.intime_accumulate_model_aggregator import (
        InTimeAccumulateWeightedAggregator,
    )
    from nvflare.app_common.np.np_model_persistor import NPModelPersistor
    from nvflare.app_common.shareablegenerators.full_model_shareable_generator import (
        FullModelShareableGenerator,
    )
    from nvflare.app_common.workflows.scatter_and_gather import ScatterAndGather

    job = FedJob(name="sag", min_clients=2)
    persistor = job.to_server(NPModelPersistor(), id="persistor")
    generator = job.to_server(FullModelShareableGenerator(), id="shareable_generator")
    aggregator = job.to_server(
        InTimeAccumulateWeightedAggregator(expected_data_kind="WEIGHTS"), id="aggregator"
    )
    job.to_server(
        ScatterAndGather(
            min_clients=2,
            num_rounds=3,
            wait_time_after_min_received=0,
            aggregator_id=aggregator,
            persistor_id=persistor,
            shareable_generator_id=generator,
            train_timeout=60,
        )
    )
    job.to_clients("run.sh")
    return job


@covers("FedAvg with the arguments of 2.7", since="2.7")
def fedavg_2_7():
    from nvflare import FedJob
    from nvflare.app_common.workflows.fedavg import FedAvg

    job = FedJob(name="early")
    job.to_server(FedAvg(num_clients=2, num_rounds=9, stop_cond="accuracy >= 80", patience=3))
    job.to_server(FedAvg(aggregation_weights={"site-1": 0.5}, model={"w": [1.0, 2.0]}))
    job.to_clients("run.sh")
    return job


@covers("persistor, locator and widgets of PyTorch given by the user")
def torch_parts():
    from src.net import Net

    from nvflare.app_opt.pt.file_model_locator import PTFileModelLocator
    from nvflare.app_opt.pt.file_model_persistor import PTFileModelPersistor
    from nvflare.app_opt.pt.job_config.model import PTModel

    job = started()
    persistor = PTFileModelPersistor(model=Net(), global_model_file_name="g.pt")
    ids = job.to_server(
        PTModel(Net(), persistor=persistor, locator=PTFileModelLocator(pt_persistor_id="persistor"))
    )
    assert ids == {"persistor_id": "persistor", "locator_id": "locator"}, ids
    job.to_clients("run.sh")
    return job


@covers("a torch model by class path, checkpoint", since="2.7")
def torch_model_by_path():
    from nvflare.app_opt.pt.job_config.model import PTModel

    job = started()
    job.to_server(
        PTModel(
            {"path": "src.net.Sized", "args": {"hidden": 8}},
            initial_ckpt="/models/a.pt",
            allow_numpy_conversion=False,
        )
    )
    job.to_clients("src/net.py")
    return job


@covers("best_model_filename", since="2.8")
def torch_best_model():
    from src.net import Net

    from nvflare.app_opt.pt.job_config.model import PTModel

    job = started()
    job.to_server(PTModel(Net(), best_model_filename="b.pt"))
    job.to_clients("run.sh")
    return job


@covers("a Keras model by class path, checkpoint", since="2.7", needs="tensorflow")
def keras_model_by_path():
    from nvflare.app_opt.tf.job_config.model import TFModel

    job = started()
    job.to_server(TFModel({"path": "keras_net.Net", "args": {}}, initial_ckpt="/m/a.h5"))
    job.to_clients("run.sh")
    return job


@covers("an argument that is not JSON: refused", since="9")
def not_json():
    from pkg.components import Plain

    job = started()
    job.to_server(Plain(tags={1, 2}))
    return job


@covers("a function as an argument: refused", since="9")
def function_argument():
    from pkg.components import Plain

    job = started()
    job.to_server(Plain(part=len))
    return job


@covers("a numpy array as an argument: refused", since="9")
def array_argument():
    import numpy as np
    from pkg.components import Plain

    job = started()
    job.to_server(Plain(part=np.zeros(3)))
    return job
