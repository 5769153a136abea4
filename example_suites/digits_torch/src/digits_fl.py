"""What each site does: train the network on its half of scikit-learn's digits."""

import argparse

import nvflare.client as flare
import torch
from sklearn.datasets import load_digits
from src.net import Net
from torch.utils.data import DataLoader, TensorDataset

SITES = 2
TEST_EVERY = 5  # every fifth image is held out


def load_share(site: str) -> tuple[TensorDataset, TensorDataset]:
    """This site's training images and the images that every site is tested on."""
    images, labels = load_digits(return_X_y=True)
    images = torch.tensor(images / 16.0, dtype=torch.float32).reshape(-1, 1, 8, 8)
    labels = torch.tensor(labels)
    number = torch.arange(len(labels))
    test = number % TEST_EVERY == 0
    mine = ~test & (number % SITES == int(site.rpartition("-")[2]) - 1)
    return TensorDataset(images[mine], labels[mine]), TensorDataset(images[test], labels[test])


@torch.no_grad()
def accuracy(net: Net, data: TensorDataset) -> float:
    images, labels = data.tensors
    return (net(images).argmax(1) == labels).float().mean().item()


def train(net: Net, loader: DataLoader, epochs: int, rate: float) -> tuple[int, float]:
    """Trains `net` in place; returns the number of steps and the last loss."""
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    for _ in range(epochs):
        for images, labels in loader:
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(net(images), labels)
            loss.backward()
            optimizer.step()
    return epochs * len(loader), loss.item()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch_size", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0.01)
    args = parser.parse_args()

    flare.init()
    train_set, test_set = load_share(flare.get_site_name())
    loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True)
    net = Net()
    while flare.is_running():
        received = flare.receive()
        net.load_state_dict(received.params)
        score = accuracy(net, test_set)
        steps, loss = train(net, loader, args.epochs, args.rate)
        flare.send(
            flare.FLModel(
                params=net.state_dict(),
                metrics={"accuracy": score, "loss": loss},
                meta={"NUM_STEPS_CURRENT_ROUND": steps},
            )
        )


if __name__ == "__main__":
    main()
