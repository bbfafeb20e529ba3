"""The crash matrix: the service is killed by SIGKILL at every point of every flow, and nothing is lost or doubled.

A crash point stands before and after every commit and every external call. `flows` are stories of a member and
an agent; `play` lets a story go on where it was; `life` is one process of the service, from its start to its end
or its crash; `matrix` forks lives, kills them, starts the next one on what is left, and has `seen` record what
both providers saw, for the checker of `machines.testing`. `python -m tests.crash --list` names the points.
"""
