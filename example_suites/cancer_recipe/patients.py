"""scikit-learn's breast cancer data (569 tumours, 30 measurements each), split over the hospitals."""

import numpy as np
from sklearn.datasets import load_breast_cancer

_TEST_EVERY = 4  # every fourth patient is held out


def share(site: str, sites: int) -> tuple[np.ndarray, np.ndarray]:
    """The patients of one hospital: measurements (n, 31), the last one a constant 1, and labels (n,), 1 for benign.

    Hospitals differ in size: site-2 has twice as many patients as site-1, site-3 three times as many.
    """
    measured, labels = _patients()
    train = np.flatnonzero(np.arange(len(labels)) % _TEST_EVERY != 0)
    index = int(site.rpartition("-")[2])
    bounds = np.cumsum(np.arange(sites + 1)) * len(train) // sum(range(sites + 1))
    mine = train[bounds[index - 1] : bounds[index]]
    return measured[mine], labels[mine]


def held_out() -> tuple[np.ndarray, np.ndarray]:
    """The patients that no hospital trains on."""
    measured, labels = _patients()
    test = np.arange(len(labels)) % _TEST_EVERY == 0
    return measured[test], labels[test]


def _patients() -> tuple[np.ndarray, np.ndarray]:
    measured, labels = load_breast_cancer(return_X_y=True)
    # All hospitals scale by the same published means and deviations.
    measured = (measured - measured.mean(axis=0)) / measured.std(axis=0)
    return np.column_stack([measured, np.ones(len(labels))]), labels
