"""Code that runs inside the person's test processes, in their own Python. Standard library and the runner only.

Each test run gets a copy of this package under a name that nobody can know in advance, so that no file of the project
can take its place. `judging/report_channel.py` makes the copy and reads what it wrote.
"""
