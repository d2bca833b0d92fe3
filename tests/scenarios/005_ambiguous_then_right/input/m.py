def f(x):
    return 0


def g(x):
    return 0
