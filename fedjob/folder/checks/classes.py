"""Class paths and constructor arguments, against the signatures of the target release."""

from __future__ import annotations

from collections.abc import Iterator

from fedjob.flare import deprecated, names, signatures
from fedjob.flare.releases import RELEASES, Release
from fedjob.flare.signatures import MISSING, Parameters
from fedjob.folder.checks.finding import Finding, error, warning
from fedjob.folder.checks.sources import Sources, is_installed
from fedjob.folder.checks.walk import Spot, spots
from fedjob.folder.model import JobModel

#: Exported by FLARE's rule although nothing can rebuild them.
_OPAQUE = {"re.Pattern", "pathlib.PosixPath", "pathlib.WindowsPath", "pathlib.Path"}


def check(model: JobModel, release: Release) -> Iterator[Finding]:
    sources = {app.name: Sources(app) for app in model.apps}
    for spot in spots(model):
        path = spot.component.path
        if spot.component.key == "name":
            continue
        if path in _OPAQUE:
            yield _opaque(spot)
        elif names.is_flare(path):
            yield from _flare_class(spot, release)
        else:
            yield from _own_class(spot, sources[spot.app.name])


def _opaque(spot: Spot) -> Finding:
    return error(
        "argument-opaque",
        spot.place,
        f"FLARE cannot build a {spot.component.path} from a configuration",
        "hand over its text (a pattern's string, a path's string) instead of the object",
    )


def _flare_class(spot: Spot, release: Release) -> Iterator[Finding]:
    path = spot.component.path
    parameters = signatures.of(path, release)
    if parameters is not None:
        yield from _arguments(spot, parameters, release)
        return
    having = [r for r in RELEASES if signatures.of(path, r) is not None]
    if having:
        yield error(
            "class-gone",
            f"{spot.place}.path",
            f"FLARE {release} has no {path}; it is in {', '.join(map(str, having))}",
            f"export the job for {release}, or target {having[-1]}",
        )
    elif path not in names.paths() and deprecated.instead_of(path, release) is None:
        yield warning(
            "class-unknown",
            f"{spot.place}.path",
            f"{path} is not a component that fedjob knows of any FLARE release",
            "check the spelling; if it is right, try it on real FLARE",
        )


def _arguments(spot: Spot, parameters: Parameters, release: Release) -> Iterator[Finding]:
    given = spot.component.args
    name = spot.component.path.rpartition(".")[2]
    for word in given:
        if word not in parameters:
            yield error(
                "argument-unknown",
                f"{spot.place}.args.{word}",
                f"{name} of FLARE {release} takes no {word!r}; it takes {', '.join(parameters) or 'nothing'}",
                f"remove it, or export the job for {release}",
            )
    for word, parameter in parameters.items():
        if parameter.default is MISSING and word not in given:
            lost = "; FLARE's exporter loses it" if parameter.lost else ""
            yield error(
                "argument-missing",
                f"{spot.place}.args.{word}",
                f"{name} of FLARE {release} needs {word!r}{lost}",
                "add it to the configuration" if parameter.lost else "give it to the constructor",
            )


def _own_class(spot: Spot, sources: Sources) -> Iterator[Finding]:
    module, _, name = spot.component.path.rpartition(".")
    place = f"{spot.place}.path"
    if not module:
        yield error(
            "class-path", place, f"{name!r} names no module", "write the whole path: package.module.Class"
        )
    elif sources.has_module(module):
        if not sources.defines(module, name):
            yield error(
                "class-missing",
                place,
                f"custom/{module.replace('.', '/')}.py defines no {name}",
                "correct the path, or export the job again",
            )
    elif sources.has_package(module) or not is_installed(module):
        yield error(
            "module-missing",
            place,
            f"the module {module} is neither in the app's custom/ nor installed here",
            "let its file travel with the job: job.to(..., 'path/to/file.py')",
        )
