"""What each hospital does: gradient and Hessian of its patients' log-likelihood, which is all that leaves it."""

import argparse

import numpy as np
import nvflare.client as flare
from patients import held_out, share


def probabilities(measured: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Of being benign; measured (n, 31), weights (31, 1)."""
    return 1 / (1 + np.exp(-measured @ weights))


def accuracy(measured: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
    return float(np.mean((probabilities(measured, weights)[:, 0] > 0.5) == labels))


def derivatives(
    measured: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Gradient (31, 1) and negative Hessian (31, 31) of the log-likelihood, and the mean loss."""
    p = probabilities(measured, weights)
    gradient = measured.T @ (labels[:, None] - p)
    hessian = measured.T @ (measured * (p * (1 - p)))
    likely = np.where(labels[:, None] == 1, p, 1 - p)
    return gradient, hessian, float(-np.mean(np.log(likely + 1e-12)))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sites", type=int, default=3)
    args = parser.parse_args()

    flare.init()
    measured, labels = share(flare.get_site_name(), args.sites)
    test = held_out()
    while flare.is_running():
        received = flare.receive()
        weights = received.params["numpy_key"]
        gradient, hessian, loss = derivatives(measured, labels, weights)
        flare.send(
            flare.FLModel(
                params={"gradient": gradient, "hessian": hessian},
                metrics={"accuracy": accuracy(*test, weights), "loss": loss},
                meta={"NUM_STEPS_CURRENT_ROUND": len(labels)},
            )
        )


if __name__ == "__main__":
    main()
