import torch
from torch import nn


class Net(nn.Module):
    """Weights that depend on nothing but this file, so that two exports start two equal trainings."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, 10)
        with torch.no_grad():
            self.fc.weight.copy_(torch.linspace(-0.1, 0.1, 640).reshape(10, 64))
            self.fc.bias.zero_()

    def forward(self, x):
        return self.fc(x)
