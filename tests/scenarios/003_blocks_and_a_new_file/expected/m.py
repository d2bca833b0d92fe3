from helper import double


def f(x):
    return double(x)
