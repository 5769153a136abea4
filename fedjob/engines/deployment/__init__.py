"""A running FLARE, of POC mode or provisioned, as an engine."""

from fedjob.engines.deployment.engine import DeploymentEngine

__all__ = ["DeploymentEngine"]
