"""scikit-learn's digits (8 x 8 grey images), dealt out unevenly over the sites."""

import numpy as np
from sklearn.datasets import load_digits

FEATURES, CLASSES = 64, 10
_TEST_EVERY = 5  # every fifth image is held out


def share(site: str, sites: int, skew: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """The training images (n, 64) in [0, 1] and labels (n,) of one site.

    Each class is split by its own Dirichlet(`skew`) draw: a site has plenty of some digits and
    few of others. The split depends on nothing but its arguments.
    """
    images, labels = _images()
    train = np.arange(len(labels)) % _TEST_EVERY != 0
    images, labels = images[train], labels[train]
    rng = np.random.default_rng(2026)
    index = int(site.rpartition("-")[2]) - 1
    mine = []
    for digit in range(CLASSES):
        members = rng.permutation(np.flatnonzero(labels == digit))
        bounds = (np.cumsum(rng.dirichlet([skew] * sites))[:-1] * len(members)).astype(int)
        mine.append(np.split(members, bounds)[index])
    chosen = np.sort(np.concatenate(mine))
    return images[chosen], labels[chosen]


def held_out() -> tuple[np.ndarray, np.ndarray]:
    """The images and labels that no site trains on."""
    images, labels = _images()
    test = np.arange(len(labels)) % _TEST_EVERY == 0
    return images[test], labels[test]


def _images() -> tuple[np.ndarray, np.ndarray]:
    images, labels = load_digits(return_X_y=True)
    return images / 16.0, labels
