import os, json
from numbers_of import \
    rounds


def step(model, received):
    return rounds, os, json
