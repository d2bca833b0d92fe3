class C:
    def f(self, x):
        return x * 2

    def g(self):
        return 1


def f(x):
    return C().f(x)
