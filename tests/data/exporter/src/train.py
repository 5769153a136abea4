import argparse

import helper
from net import Net

import nvflare.client as flare


def main():
    flare.init()
    model = Net()
    while flare.is_running():
        helper.step(model, flare.receive())


if __name__ == "__main__":
    main()
