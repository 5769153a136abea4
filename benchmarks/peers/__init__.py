"""The same work for everyone: FedAvg, each site adds one to the model. Each module runs in its peer's environment."""
