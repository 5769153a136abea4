"""The coefficient of FedProx in a model's meta: ``nvflare.app_common.utils.fedprox_utils`` (FLARE 2.9)."""

from __future__ import annotations

import math
from numbers import Real

from fedjob.exchange.app_constants import AlgorithmConstants
from fedjob.exchange.fl_model import FLModel

_KEY = AlgorithmConstants.FEDPROX_MU


def normalize_fedprox_mu(fedprox_mu: float | None) -> float | None:
    """The coefficient as FLARE keeps it: None for None and 0, a float otherwise.

    Raises TypeError for what is no number, ValueError for one that is negative or not finite.
    """
    return None if fedprox_mu is None else _checked(fedprox_mu, "non-negative number or None") or None


def validate_fedprox_mu(fedprox_mu: float) -> float:
    """The coefficient as a float, which must be above 0. Raises TypeError or ValueError."""
    mu = _checked(fedprox_mu, "positive number")
    if not mu:
        raise ValueError(f"fedprox_mu must be a finite positive number, but got {fedprox_mu!r}")
    return mu


def get_fedprox_mu(model: FLModel) -> float:
    """The coefficient that the server sent with `model`. Raises ValueError where there is none above 0."""
    meta = model.meta or {}
    if _KEY not in meta:
        raise ValueError(f"the model's meta has no {_KEY!r}; give the workflow a fedprox_mu above 0")
    try:
        return validate_fedprox_mu(meta[_KEY])
    except (TypeError, ValueError) as e:
        raise ValueError(f"the model's meta has a bad {_KEY!r}: {e}") from e


def set_fedprox_metadata(model: FLModel, fedprox_mu: float | None) -> None:
    """Put the coefficient into the model's meta; None takes one out that is there."""
    kept = {key: value for key, value in (model.meta or {}).items() if key != _KEY}
    model.meta = kept if fedprox_mu is None else {**kept, _KEY: fedprox_mu}


def _checked(mu: float, wanted: str) -> float:
    if isinstance(mu, bool) or not isinstance(mu, Real):
        raise TypeError(f"fedprox_mu must be a finite {wanted}, but got {mu!r}")
    if not math.isfinite(mu) or mu < 0:
        raise ValueError(f"fedprox_mu must be a finite {wanted}, but got {mu!r}")
    return float(mu)
