X = '🙂'


def f(x):
	raise NotImplementedError