from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, x):
        return self.layer(x)


class Sized(nn.Module):
    """Keeps one of its two arguments."""

    def __init__(self, hidden=3, outputs=2):
        super().__init__()
        self.hidden = hidden
        self.layer = nn.Linear(hidden, outputs)
