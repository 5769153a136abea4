"""DecomposerRegister: has fobs use decomposers that a job's configuration names.

Answers ``nvflare.app_common.widgets.decomposer_reg`` (FLARE >= 2.7).
"""

from __future__ import annotations

from fedjob.components.building import load_class
from fedjob.components.roles import Widget
from fedjob.exchange import fobs


class DecomposerRegister(Widget):
    """`classes` are dotted paths of decomposers. Raises what importing them raises, TypeError for no decomposer."""

    def __init__(self, classes: list[str]) -> None:
        super().__init__()
        self.classes = classes
        for path in classes:
            fobs.register(load_class(path))
