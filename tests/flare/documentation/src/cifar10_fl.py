import argparse

import nvflare.client as flare
import torch
from sklearn.datasets import load_digits
from src.net import Net

parser = argparse.ArgumentParser()
parser.add_argument("--batch_size", type=int, default=4)
args = parser.parse_args()

flare.init()
images, labels = load_digits(return_X_y=True)
images, labels = torch.tensor(images / 16, dtype=torch.float32), torch.tensor(labels)
mine = slice(int(flare.get_site_name().rpartition("-")[2]) - 1, None, 2)
images, labels = images[mine], labels[mine]
net = Net()
while flare.is_running():
    received = flare.receive()
    net.load_state_dict(received.params)
    accuracy = (net(images).argmax(1) == labels).float().mean().item()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for start in range(0, len(labels), args.batch_size):
        optimizer.zero_grad()
        batch = slice(start, start + args.batch_size)
        torch.nn.functional.cross_entropy(net(images[batch]), labels[batch]).backward()
        optimizer.step()
    flare.send(
        flare.FLModel(
            params=net.state_dict(),
            metrics={"accuracy": accuracy},
            meta={"NUM_STEPS_CURRENT_ROUND": -(-len(labels) // args.batch_size)},
        )
    )
