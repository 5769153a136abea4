"""The figures that README and docs quote; ``python -m benchmarks`` runs them all."""
