"""What the user can set, on the command line or in the ini file, as one frozen value."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple, cast

import pytest

GoldenMode = Literal["check", "new", "update"]
_MODES = ("auto", "check", "new", "update")
_SHIM = ("auto", "always", "never")
_ISOLATIONS = ("process", "shared", "inline")


class Settings(NamedTuple):
    """Defaults for every federated test of the session."""

    # Made in every pytest process of the environment, where a dataclass costs a millisecond.

    engines: tuple[str, ...]  #: more than one runs each test on each of them
    golden: GoldenMode
    golden_dir: str  #: beside the test file
    prune: bool  #: delete orphaned goldens after a full green run
    release: str | None  #: FLARE release of exports; None is the newest
    timeout: float  #: seconds, whole run
    seed: int
    isolation: str
    preload: tuple[str, ...]  #: modules that workers import before they fork
    rtol: float
    atol: float
    shim: Literal["auto", "always", "never"]
    ci: bool  #: the run is under CI: goldens are only checked
    rootpath: Path


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("fedjob", "federated-learning jobs")
    group.addoption(
        "--fedjob-golden",
        dest="fedjob_golden",
        choices=_MODES,
        help="what happens to a golden that is missing or differs: 'check' fails, 'new' writes missing ones, "
        "'update' writes both; 'auto' (default) is 'check' under CI, else 'new'",
    )
    group.addoption(
        "--fedjob-golden-allow-ci",
        dest="fedjob_golden_allow_ci",
        action="store_true",
        help="let --fedjob-golden=new or update write goldens under CI",
    )
    group.addoption(
        "--fedjob-golden-prune",
        dest="fedjob_golden_prune",
        action="store_true",
        help="after a full green run, delete goldens that no test used",
    )
    group.addoption(
        "--fedjob-engine",
        dest="fedjob_engine",
        metavar="NAME[,NAME]",
        help="engines that run the simulations: local (default), simulator, deployment, ...; several run each test on each",
    )
    group.addoption("--fedjob-release", dest="fedjob_release", help="FLARE release of exports, e.g. 2.8")
    group.addoption(
        "--fedjob-timeout", dest="fedjob_timeout", type=float, help="seconds that one simulation may take"
    )
    group.addoption("--fedjob-seed", dest="fedjob_seed", type=int, help="seed of the simulations")
    group.addoption(
        "--fedjob-isolation", dest="fedjob_isolation", choices=_ISOLATIONS, help="how sites are separated"
    )
    _add_ini(parser)


def _add_ini(parser: pytest.Parser) -> None:
    parser.addini("fedjob_golden", "default of --fedjob-golden", default="auto")
    parser.addini("fedjob_golden_dir", "directory of goldens, beside the test file", default="goldens")
    parser.addini("fedjob_engine", "default of --fedjob-engine", default="local")
    parser.addini("fedjob_release", "FLARE release of exports; the newest if empty", default="")
    parser.addini("fedjob_timeout", "seconds that one simulation may take", type="float", default=60.0)
    parser.addini("fedjob_seed", "seed of the simulations", type="int", default=0)
    parser.addini("fedjob_isolation", "process, shared or inline", default="process")
    parser.addini("fedjob_preload", "modules that workers import before they fork", type="args", default=[])
    parser.addini("fedjob_rtol", "relative tolerance of metric goldens", type="float", default=0.0)
    parser.addini("fedjob_atol", "absolute tolerance of metric goldens", type="float", default=0.0)
    parser.addini(
        "fedjob_shim",
        "answer 'import nvflare' by fedjob: auto (if FLARE is absent), always, never",
        default="auto",
    )


def installed(modules: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `modules` whose package is there: what is not installed cannot be used by a site either."""
    return tuple(m for m in modules if find_spec(m.partition(".")[0]) is not None)


def shim_for(settings: Settings) -> Literal["auto", "always", "never"]:
    """Who answers a job script's FLARE: an installed one exports for its own release only, ours for any."""
    if settings.shim != "auto" or settings.release is None:
        return settings.shim
    try:
        installed = version("nvflare")
    except PackageNotFoundError:
        return "auto"
    return "auto" if f"{installed}.".startswith(f"{settings.release}.") else "always"


def read_settings(config: pytest.Config) -> Settings:
    """The settings of this session; raises `pytest.UsageError` for values that cannot be."""
    ci = under_ci()
    return Settings(
        engines=_engines(str(_value(config, "engine"))),
        golden=_golden_mode(config, ci=ci),
        golden_dir=str(config.getini("fedjob_golden_dir")),
        prune=bool(config.getoption("fedjob_golden_prune")),
        release=cast("str | None", _value(config, "release")) or None,
        timeout=cast("float", _value(config, "timeout")),
        seed=cast("int", _value(config, "seed")),
        isolation=_choice(config, "isolation", _ISOLATIONS),
        preload=tuple(cast("list[str]", config.getini("fedjob_preload"))),
        rtol=cast("float", config.getini("fedjob_rtol")),
        atol=cast("float", config.getini("fedjob_atol")),
        shim=cast("Literal['auto', 'always', 'never']", _choice(config, "shim", _SHIM)),
        ci=ci,
        rootpath=config.rootpath,
    )


def under_ci() -> bool:
    """True when the ``CI`` variable says so, as it does on every common CI system."""
    return os.environ.get("CI", "").lower() not in {"", "0", "false", "no"}


def _value(config: pytest.Config, name: str) -> object:
    given = config.getoption(f"fedjob_{name}", None)
    return config.getini(f"fedjob_{name}") if given is None else given


def _choice(config: pytest.Config, name: str, allowed: tuple[str, ...]) -> str:
    value = str(_value(config, name))
    if value not in allowed:
        raise pytest.UsageError(f"fedjob_{name} is {value!r}; it must be one of {', '.join(allowed)}")
    return value


def _engines(names: str) -> tuple[str, ...]:
    engines = tuple(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    if not engines:
        raise pytest.UsageError("--fedjob-engine names no engine")
    return engines


def _golden_mode(config: pytest.Config, *, ci: bool) -> GoldenMode:
    mode = _choice(config, "golden", _MODES)
    if mode == "auto":
        return "check" if ci else "new"
    if ci and mode != "check" and not config.getoption("fedjob_golden_allow_ci"):
        raise pytest.UsageError(
            f"--fedjob-golden={mode} would write goldens under CI, where nobody reviews them; "
            "run it locally, or add --fedjob-golden-allow-ci"
        )
    return cast("GoldenMode", mode)
