"""Real FLARE's simulator as an engine."""

from fedjob.engines.simulator.engine import SimulatorEngine

__all__ = ["SimulatorEngine"]
