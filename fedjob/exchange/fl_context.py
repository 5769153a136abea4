"""The context that is handed to every component: ``nvflare.apis.fl_context``.

Private props stay at their site, public ones travel to the peer. Sticky props are shared by all contexts of one
manager, that is of one site's run; others live as long as their context.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from fedjob.errors import ExchangeError
from fedjob.exchange.keys import FLContextKey, ReservedKey

_log = logging.getLogger(f"{__name__}.FLContext")

MASK_STICKY = 1 << 0
MASK_PRIVATE = 1 << 1

#: Sticky props that say where a site's files are.
PLACES = frozenset({FLContextKey.WORKSPACE_OBJECT, FLContextKey.WORKSPACE_ROOT, FLContextKey.APP_ROOT})

# The keys of one prop, and of what get_prop_detail returns.
V = "value"
M = "mask"

# Held around several dict operations that belong together (single ones are atomic); components of FLARE may set props
# from threads of their own.
_lock = threading.RLock()


def is_sticky(mask: int) -> bool:
    return bool(mask & MASK_STICKY)


def is_private(mask: int) -> bool:
    return bool(mask & MASK_PRIVATE)


def make_mask(private: bool, sticky: bool) -> int:
    return (MASK_PRIVATE if private else 0) | (MASK_STICKY if sticky else 0)


def to_string(mask: int) -> str:
    return f"{'private' if is_private(mask) else 'public'}:{'sticky' if is_sticky(mask) else 'non-sticky'}"


class FLContext:
    """Props by name, for one call of a component or one event."""

    def __init__(self) -> None:
        self.model: Any = None
        #: Entries are never changed in place: contexts have them in common.
        self.props: dict[str, dict[str, Any]] = {}
        self.logger = _log

    def get_prop_keys(self) -> list[str]:
        return list(self.props)

    def public_key_exists(self, key: str) -> bool:
        return key in self.props and not is_private(self.props[key][M])

    def get_all_public_props(self) -> dict[str, Any]:
        """What the peer gets to see."""
        public = [k for k, p in list(self.props.items()) if not p[M] & MASK_PRIVATE]
        return {key: self._find(key)[1] for key in public}

    def set_prop(self, key: str, value: Any, private: bool = True, sticky: bool = True) -> bool:
        """Set a prop; False, with a warning, when it exists with other attributes. Raises ValueError."""
        if not isinstance(key, str):
            raise ValueError(f"the name of a prop is a str, not {type(key).__name__}")
        mask = (MASK_PRIVATE if private else 0) | (MASK_STICKY if sticky else 0)
        prop = self.props.get(key)
        if prop is not None and prop[M] != mask:
            return self._refuse(key, prop[M], mask)
        if sticky and (manager := self._manager()) is not None:
            with _lock:
                exists, _, known = manager.check_sticker(key)
                if exists and known != mask:
                    return self._refuse(key, known, mask)
                manager.update_sticker(key, value, mask)
        self.props[key] = {V: value, M: mask}
        return True

    def _refuse(self, key: str, known: int, wanted: int) -> bool:
        self.logger.warning(
            "prop %r is %s and stays so; not set as %s", key, to_string(known), to_string(wanted)
        )
        return False

    def get_prop(self, key: str, default: Any = None) -> Any:
        prop = self.props.get(key)
        if prop is not None and not prop[M] & MASK_STICKY:
            return prop[V]
        exists, value = self._find(key)
        return value if exists else default

    def get_custom_prop(self, key: str, default: Any = None) -> Any:
        props = self.get_prop(ReservedKey.CUSTOM_PROPS)
        return props.get(key, default) if props else default

    def set_custom_prop(self, key: str, value: Any) -> None:
        props = self.get_prop(ReservedKey.CUSTOM_PROPS)
        if not props:
            props = {}
            self.set_prop(ReservedKey.CUSTOM_PROPS, props, private=True, sticky=False)
        props[key] = value

    def get_prop_detail(self, key: str) -> dict[str, Any] | None:
        """``{"value", "private", "sticky"}`` of a prop that this context has."""
        prop = self.props.get(key)
        if prop is None:
            return None
        return {V: self._find(key)[1], "private": is_private(prop[M]), "sticky": is_sticky(prop[M])}

    def remove_prop(self, key: str, force_removal: bool = False) -> None:
        """Remove a prop from this context; reserved ones, which begin with ``__``, only when forced."""
        if force_removal or not str(key).startswith("__"):
            self.props.pop(key, None)

    def put(self, key: str, value: Any, private: bool, sticky: bool) -> None:
        """Set a prop of this context without a word to the manager."""
        self.props[key] = {V: value, M: make_mask(private, sticky)}

    def set_public_props(self, metadata: Mapping[str, Any]) -> None:
        """Replace all public props."""
        self.props = {k: p for k, p in self.props.items() if is_private(p[M])}
        for key, value in metadata.items():
            self.set_prop(key, value, private=False, sticky=False)

    def get_engine(self, default: Any = None) -> Any:
        return self._own(ReservedKey.ENGINE, default)

    def get_workspace(self) -> Any:
        """The site's Workspace. Raises ExchangeError, a RuntimeError, in a context that no engine made."""
        engine = self.get_engine()
        if not engine:
            raise ExchangeError(
                "the FLContext has no engine, hence no workspace; take one from engine.new_context()"
            )
        return engine.get_workspace()

    def get_process_type(self, default: Any = None) -> Any:
        return self._own(ReservedKey.PROCESS_TYPE, default)

    def get_job_id(self, default: Any = None) -> Any:
        return self._own(ReservedKey.RUN_NUM, default)

    def get_identity_name(self, default: Any = "") -> Any:
        return self._own(ReservedKey.IDENTITY_NAME, default)

    def set_job_is_unsafe(self, value: bool = True) -> None:
        self.set_prop(ReservedKey.JOB_IS_UNSAFE, value, private=True, sticky=True)

    def is_job_unsafe(self) -> Any:
        return self.get_prop(ReservedKey.JOB_IS_UNSAFE, False)

    def get_run_abort_signal(self) -> Any:
        return self._own(ReservedKey.RUN_ABORT_SIGNAL, None)

    def set_peer_context(self, ctx: FLContext | None) -> None:
        self.put(ReservedKey.PEER_CTX, ctx, private=True, sticky=False)

    def get_peer_context(self) -> Any:
        return self._own(ReservedKey.PEER_CTX, None)

    def sync_sticky(self) -> None:
        """Sticky props are always in step; older code calls this."""

    def clone(self) -> FLContext:
        """A context with the same props; setting one does not change the other's."""
        copied = FLContext()
        copied.model = self.model
        copied.logger = self.logger
        copied.props = self.props.copy()
        return copied

    def _manager(self) -> FLContextManager | None:
        prop = self.props.get(ReservedKey.MANAGER)
        return prop[V] if prop else None

    def _own(self, key: str, default: Any) -> Any:
        prop = self.props.get(key)
        return prop[V] if prop else default

    def _find(self, key: str) -> tuple[bool, Any]:
        """Whether the prop exists, and its value; the manager's word counts unless it is this context's own."""
        prop = self.props.get(key)
        if prop is not None and not is_sticky(prop[M]):
            return True, prop[V]
        manager = self._manager()
        if manager is not None:
            exists, value, mask = manager.check_sticker(key)
            if exists:
                self.props[key] = prop = {V: value, M: mask}
        return (False, None) if prop is None else (True, prop[V])

    def __enter__(self) -> FLContext:  # noqa: PYI034 - Self needs Python 3.11
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        return None

    def __str__(self) -> str:
        return " ".join(f"{key}: {type(prop[V])}" for key, prop in self.props.items())


def put_private(fl_ctx: FLContext, props: Mapping[str, Any]) -> None:
    """Set private props of this context alone, without a word to its manager or about what they were."""
    own = fl_ctx.props
    for key, value in props.items():
        own[key] = {V: value, M: MASK_PRIVATE}


class FLContextManager:
    """Makes the contexts of one site's run and holds the sticky props that they share."""

    def __init__(
        self,
        engine: Any = None,
        identity_name: str = "",
        job_id: str = "",
        public_stickers: Mapping[str, Any] | None = None,
        private_stickers: Mapping[str, Any] | None = None,
    ) -> None:
        self.engine = engine
        self.identity_name = identity_name
        self.job_id = job_id
        self.public_stickers: dict[str, Any] = dict(public_stickers or {})
        self.private_stickers: dict[str, Any] = dict(private_stickers or {})
        #: Called when somebody asks for one of `PLACES`, and then no more.
        self.before_places: Callable[[], None] | None = None
        #: Called when a sticky prop was set.
        self.after_change: Callable[[], None] | None = None
        #: The props of a new context, once one was made.
        self._fresh: dict[str, dict[str, Any]] | None = None

    def new_context(self) -> FLContext:
        """A context with the engine, the job id (public), the site's name (public) and all sticky props."""
        ctx = FLContext()
        fresh = self._fresh
        ctx.props = self._fill() if fresh is None else fresh.copy()
        return ctx

    def _public_props(self) -> dict[str, Any]:
        """What is public in a new context."""
        props = self._fill() if self._fresh is None else self._fresh
        # A copy, made at once: a thread may set a prop meanwhile.
        return {key: prop[V] for key, prop in list(props.items()) if not prop[M] & MASK_PRIVATE}

    def _rest(self) -> None:
        """Keep nothing for the next context, which may never be asked for."""
        self._fresh = None

    def _fill(self) -> dict[str, dict[str, Any]]:
        props = {
            ReservedKey.MANAGER: {V: self, M: MASK_PRIVATE},
            ReservedKey.ENGINE: {V: self.engine, M: MASK_PRIVATE},
            ReservedKey.RUN_NUM: {V: self.job_id, M: MASK_STICKY},
        }
        if self.identity_name:
            props[ReservedKey.IDENTITY_NAME] = {V: self.identity_name, M: 0}
        private = MASK_PRIVATE | MASK_STICKY
        with _lock:
            props.update({key: {V: value, M: MASK_STICKY} for key, value in self.public_stickers.items()})
            props.update({key: {V: value, M: private} for key, value in self.private_stickers.items()})
            self._fresh = props
        return props.copy()

    def check_sticker(self, key: str) -> tuple[bool, Any, int]:
        """Whether a sticky prop exists, its value and its mask; (False, None, 0) when it does not."""
        if key in (stickers := self.private_stickers):
            if self.before_places is not None and key in PLACES:
                call, self.before_places = self.before_places, None
                call()
            return True, stickers[key], MASK_PRIVATE | MASK_STICKY
        if key in (stickers := self.public_stickers):
            return True, stickers[key], MASK_STICKY
        return False, None, 0

    def update_sticker(self, key: str, value: Any, mask: int) -> None:
        with _lock:
            (self.private_stickers if is_private(mask) else self.public_stickers)[key] = value
            if self._fresh is not None:
                # Contexts have copies of the dict, and its entries are never changed in place.
                self._fresh[key] = {V: value, M: mask}
        if self.after_change is not None:
            self.after_change()
