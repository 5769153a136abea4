"""Goldens: what a job's folder or a run's metrics must be, as a file that people review."""
