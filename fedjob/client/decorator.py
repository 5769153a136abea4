"""``@flare.train`` and ``@flare.evaluate``: ``nvflare.client.decorator``, deprecated in FLARE 2.9.

Both receive, give the model to the function as its first parameter and drop positional arguments, as FLARE does.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from fedjob.client.api import is_train, receive, send
from fedjob.client.session import current
from fedjob.errors import ClientAPIError
from fedjob.exchange.fl_model import FLModel

_Function = Callable[..., Any]

#: Key of Session.memo: what the last evaluation gave, until a training result takes it along.
_METRICS = "metrics"


def train(_func: _Function | None = None, **_root_kwargs: Any) -> Any:
    """Send what the function returns, an FLModel. Raises ClientAPIError for anything else."""
    return _decorate("train", _send_trained, _func)


def evaluate(_func: _Function | None = None, **_root_kwargs: Any) -> Any:
    """Keep what the function returns as metrics of the next training result; in other tasks send it at once.

    Raises ClientAPIError for None.
    """
    return _decorate("evaluate", _keep_metrics, _func)


def _decorate(name: str, handle: Callable[[Any], None], function: _Function | None) -> Any:
    _warn(name)

    def decorator(wrapped: _Function) -> _Function:
        @functools.wraps(wrapped)
        def wrapper(*_args: Any, **kwargs: Any) -> Any:
            first = next(iter(inspect.signature(wrapped).parameters))
            returned = wrapped(**kwargs | {first: receive()})
            if returned is None:
                raise ClientAPIError(f"{wrapped.__name__} returned None; @flare.{name} needs its result")
            handle(returned)
            return returned

        return wrapper

    return decorator if function is None else decorator(function)


def _send_trained(returned: Any) -> None:
    if not isinstance(returned, FLModel):
        raise ClientAPIError(
            f"a function under @flare.train returns an FLModel, not {type(returned).__name__}"
        )
    metrics = _memo().pop(_METRICS, None)
    if metrics is not None:
        returned.metrics = metrics
    send(returned)


def _keep_metrics(returned: Any) -> None:
    if is_train():
        _memo()[_METRICS] = returned
    else:
        send(FLModel(metrics=returned))


def _memo() -> dict[str, Any]:
    session = current()
    return {} if session is None else session.memo


def _warn(name: str) -> None:
    with warnings.catch_warnings():
        # As in FLARE it is seen, and never becomes an error that FLARE would not raise.
        warnings.simplefilter("always", DeprecationWarning)
        warnings.warn(
            f"@flare.{name} is deprecated in FLARE; call receive and send instead",
            DeprecationWarning,
            stacklevel=4,
        )
