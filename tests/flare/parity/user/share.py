"""What tells the sites apart. All numbers are small powers of two, so sums are exact in any order."""

STEPS = {1: 1, 2: 3, 3: 4}


def number(site: str) -> int:
    return int(site.rsplit("-", 1)[1])


def steps(site: str) -> int:
    return STEPS[number(site)]
