A = 1


def f(x):
    raise NotImplementedError
