"""What FLARE calls deprecated, and what it has instead."""

from __future__ import annotations

from fedjob.flare.releases import Release

_HE, _PT = "nvflare.app_common.homomorphic_encryption", "nvflare.app_common.pt"
_OPT = "nvflare.app_opt"

#: Modules that only pass on another module's names.
MODULES = {
    f"{_HE}.he_intime_accumulate_model_aggregator": f"{_OPT}.he.intime_accumulate_model_aggregator",
    f"{_HE}.he_model_decryptor": f"{_OPT}.he.model_decryptor",
    f"{_HE}.he_model_encryptor": f"{_OPT}.he.model_encryptor",
    f"{_HE}.he_model_shareable_generator": f"{_OPT}.he.model_shareable_generator",
    f"{_HE}.he_pt_model_reader_writer": f"{_OPT}.pt.he_model_reader_writer",
    f"{_HE}.homomorphic_encrypt": f"{_OPT}.he.homomorphic_encrypt",
    f"{_PT}.pt_ditto": f"{_OPT}.pt.ditto",
    f"{_PT}.pt_fed_utils": f"{_OPT}.pt.utils",
    f"{_PT}.pt_fedopt": f"{_OPT}.pt.fedopt",
    f"{_PT}.pt_fedproxloss": f"{_OPT}.pt.fedproxloss",
    f"{_PT}.pt_file_model_locator": f"{_OPT}.pt.file_model_locator",
    f"{_PT}.pt_file_model_persistor": f"{_OPT}.pt.file_model_persistor",
    f"{_PT}.pt_model_reader_writer": f"{_OPT}.pt.model_reader_writer",
    f"{_PT}.pt_multi_process_executor": f"{_OPT}.pt.multi_process_executor",
    f"{_PT}.pt_scaffold": f"{_OPT}.pt.scaffold",
    f"{_PT}.tb_receiver": f"{_OPT}.tracking.tb.tb_receiver",
    "nvflare.app_common.tracking.tracker_types": "nvflare.apis.analytix",
}
#: The first release that calls a name, or a module above, deprecated; 2.5 where nothing stands.
_SINCE = {
    "nvflare.app_common.abstract.model_learner.ModelLearner": "2.9",
    "nvflare.app_common.ccwf.comps.np_trainer.NPTrainer": "2.9",
    "nvflare.app_common.np.np_trainer.NPTrainer": "2.9",
    "nvflare.app_common.tracking.tracker_types": "2.6",
}
NAMES = {
    "nvflare.app_common.abstract.model_learner.ModelLearner": "the Client API (nvflare.client)",
    "nvflare.app_common.aggregators.accumulate_model_aggregator.AccumulateWeightedAggregator": (
        "nvflare.app_common.aggregators.intime_accumulate_model_aggregator.InTimeAccumulateWeightedAggregator"
    ),
    "nvflare.app_common.ccwf.comps.np_trainer.NPTrainer": "the Client API (nvflare.client)",
    "nvflare.app_common.np.np_trainer.NPTrainer": "the Client API (nvflare.client)",
    "nvflare.client.decorator.evaluate": "receive() and send() of nvflare.client",
    "nvflare.client.decorator.train": "receive() and send() of nvflare.client",
    "nvflare.client.evaluate": "receive() and send() of nvflare.client",
    "nvflare.client.train": "receive() and send() of nvflare.client",
}


def instead_of(path: str, release: Release) -> str | None:
    """What to use for `path`, a module or a name in one; None where `release` does not call it deprecated."""
    for known, instead in ((path, MODULES.get(path) or NAMES.get(path)), _through_module(path)):
        if instead is not None and Release.of(_SINCE.get(known, "2.5")) <= release:
            return instead
    return None


def _through_module(path: str) -> tuple[str, str | None]:
    module, _, name = path.rpartition(".")
    return module, f"{MODULES[module]}.{name}" if module in MODULES else None
