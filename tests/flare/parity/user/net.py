import torch


class Net(torch.nn.Module):
    def __init__(self, width: int = 2) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, width)
        self.norm = torch.nn.BatchNorm1d(width)
        with torch.no_grad():
            for p in self.parameters():
                p.zero_()

    def forward(self, x):
        return self.norm(self.layer(x))
