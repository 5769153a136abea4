"""Describe, export and run federated-learning jobs for NVIDIA FLARE."""

__version__ = "0.1.0"
