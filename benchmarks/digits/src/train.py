"""What each site does."""

import sys

import nvflare.client as flare

from src.net import Net, accuracy, share, train

flare.init()
number = int(flare.get_site_name().rpartition("-")[2]) - 1
images, labels = share(number)
net = Net()
while flare.is_running():
    received = flare.receive()
    net.load_state_dict(received.params)
    score = accuracy(net, images, labels)
    steps = train(net, images, labels, int(sys.argv[1]), seed=1000 * received.current_round + number)
    flare.send(
        flare.FLModel(
            params=net.state_dict(), metrics={"accuracy": score}, meta={"NUM_STEPS_CURRENT_ROUND": steps}
        )
    )
