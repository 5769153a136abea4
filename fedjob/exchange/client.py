"""What the server knows of a client: ``nvflare.apis.client``."""

from __future__ import annotations

import copy
import time
from typing import Any


class ClientPropKey:
    """Props of a client."""

    FQCN = "fqcn"
    FQSN = "fqsn"
    IS_LEAF = "is_leaf"
    ORG = "org"
    SITE_CONFIG = "site_config"


class ClientDictKey:
    """Keys of a client's dict."""

    NAME = "name"
    FQCN = "fqcn"
    FQSN = "fqsn"
    IS_LEAF = "is_leaf"
    SITE_CONFIG = "site_config"


class Client:
    """A registered client; `token` is what it proves itself with."""

    def __init__(self, name: str, token: str) -> None:
        self.name = name
        self.token = token
        #: Seconds since the epoch.
        self.last_connect_time = time.time()
        #: The client's place among cells and among sites; both are its name unless clients are nested.
        self.props: dict[str, Any] = {
            ClientPropKey.FQCN: name,
            ClientPropKey.FQSN: name,
            ClientPropKey.IS_LEAF: True,
        }

    def set_token(self, token: str) -> None:
        self.token = token

    def get_token(self) -> str:
        return self.token

    def set_prop(self, name: str, value: Any) -> None:
        self.props[name] = value

    def get_prop(self, name: str, default: Any = None) -> Any:
        return self.props.get(name, default)

    def set_fqcn(self, value: str) -> None:
        self.set_prop(ClientPropKey.FQCN, value)

    def get_fqcn(self) -> str:
        fqcn: str = self.get_prop(ClientPropKey.FQCN)
        return fqcn

    def set_fqsn(self, value: str) -> None:
        self.set_prop(ClientPropKey.FQSN, value)

    def get_fqsn(self) -> str:
        fqsn: str = self.get_prop(ClientPropKey.FQSN)
        return fqsn

    def set_is_leaf(self, value: bool) -> None:
        self.set_prop(ClientPropKey.IS_LEAF, value)

    def get_is_leaf(self) -> bool:
        is_leaf: bool = self.get_prop(ClientPropKey.IS_LEAF)
        return is_leaf

    def set_site_config(self, value: dict[str, Any]) -> None:
        self.set_prop(ClientPropKey.SITE_CONFIG, copy.deepcopy(value))

    def get_site_config(self) -> dict[str, Any] | None:
        config: dict[str, Any] | None = self.get_prop(ClientPropKey.SITE_CONFIG)
        return config

    def to_dict(self) -> dict[str, Any]:
        """The client as a job's meta holds it: without its token, and without what is as usual."""
        usual = Client(self.name, "").props
        kept = (ClientPropKey.FQCN, ClientPropKey.FQSN)
        result: dict[str, Any] = {ClientDictKey.NAME: self.name}
        result |= {key: self.props.get(key) for key in kept if self.props.get(key) != usual[key]}
        if not self.get_is_leaf():
            result[ClientDictKey.IS_LEAF] = False
        if self.get_site_config() is not None:
            result[ClientDictKey.SITE_CONFIG] = copy.deepcopy(self.get_site_config())
        return result

    def __repr__(self) -> str:
        return f"Client({self.name!r})"


def from_dict(d: dict[str, Any]) -> Client:
    """The client of a `to_dict` result. Raises ValueError when there is no name in it."""
    if not isinstance(d, dict):
        raise ValueError(f"a client is described by a dict, not by {type(d).__name__}")
    name = d.get(ClientDictKey.NAME)
    if not name:
        raise ValueError(f"a client's dict needs {ClientDictKey.NAME!r}; it has {sorted(d)}")
    client = Client(name, "")
    client.set_fqcn(d.get(ClientDictKey.FQCN) or name)
    client.set_fqsn(d.get(ClientDictKey.FQSN) or name)
    client.set_is_leaf(d.get(ClientDictKey.IS_LEAF, True))
    if (config := d.get(ClientDictKey.SITE_CONFIG)) is not None:
        client.set_site_config(config)
    return client
