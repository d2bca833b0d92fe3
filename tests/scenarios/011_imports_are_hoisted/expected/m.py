"""Doc."""

import os
from operator import mul


def f(x):
    return mul(x, 2)
