"""The network, the data and the training of a site; used by the script and by the loop written by hand."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy

SITES, BATCH, RATE = 4, 32, 0.05


class Net(nn.Module):
    """Two convolutions for 8 x 8 grey images of ten classes. Every network starts from the same weights."""

    def __init__(self) -> None:
        super().__init__()
        # A job folder holds a network's class, not its weights: the server makes its own.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.conv1 = nn.Conv2d(1, 8, kernel_size=3, padding=1)
            self.conv2 = nn.Conv2d(8, 16, kernel_size=3, padding=1)
            self.fc = nn.Linear(16 * 2 * 2, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = torch.max_pool2d(torch.relu(self.conv2(x)), 2)
        return self.fc(x.flatten(1))


def share(number: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images (n, 1, 8, 8) and labels (n) of a site, numbered from 0."""
    images, labels = load_digits(return_X_y=True)
    images = torch.tensor(images / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
    return images[number::SITES], torch.tensor(labels)[number::SITES]


def train(net: Net, images: torch.Tensor, labels: torch.Tensor, epochs: int, seed: int) -> int:
    """Train in place, batches in an order that depends on the seed alone; returns the number of steps."""
    order = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE, momentum=0.9)
    steps = 0
    for _ in range(epochs):
        for batch in torch.randperm(len(labels), generator=order).split(BATCH):
            optimizer.zero_grad()
            cross_entropy(net(images[batch]), labels[batch]).backward()
            optimizer.step()
            steps += 1
    return steps


@torch.no_grad()
def accuracy(net: Net, images: torch.Tensor, labels: torch.Tensor) -> float:
    return (net(images).argmax(1) == labels).float().mean().item()
