"""Doc."""

import os


def f(x):
    raise NotImplementedError
