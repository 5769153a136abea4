"""What each site does: softmax regression on its own digits, by gradient descent."""

import argparse

import numpy as np
import nvflare.client as flare
from partition import CLASSES, held_out, share


def probabilities(images: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    scores = images @ weights + bias
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return scores / scores.sum(axis=1, keepdims=True)


def accuracy(images: np.ndarray, labels: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> float:
    return float(np.mean(probabilities(images, weights, bias).argmax(axis=1) == labels))


def train(
    images: np.ndarray, labels: np.ndarray, weights: np.ndarray, bias: np.ndarray, steps: int, rate: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """Full-batch gradient descent; returns the new weights, bias and the last loss."""
    targets = np.eye(CLASSES)[labels]
    loss = 0.0
    for _ in range(steps):
        p = probabilities(images, weights, bias)
        loss = float(-np.mean(np.log(p[np.arange(len(labels)), labels] + 1e-12)))
        error = (p - targets) / len(labels)
        weights = weights - rate * images.T @ error
        bias = bias - rate * error.sum(axis=0)
    return weights, bias, loss


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sites", type=int, default=4)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rate", type=float, default=0.5)
    args = parser.parse_args()

    flare.init()
    images, labels = share(flare.get_site_name(), args.sites)
    test_images, test_labels = held_out()
    while flare.is_running():
        received = flare.receive()
        weights, bias = received.params["weights"], received.params["bias"]
        score = accuracy(test_images, test_labels, weights, bias)
        weights, bias, loss = train(images, labels, weights, bias, args.steps, args.rate)
        flare.send(
            flare.FLModel(
                params={"weights": weights, "bias": bias},
                metrics={"accuracy": score, "loss": loss},
                meta={"NUM_STEPS_CURRENT_ROUND": len(labels)},
            )
        )


if __name__ == "__main__":
    main()
