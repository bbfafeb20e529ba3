"""The crash matrix: the service is killed by SIGKILL at every point of every flow, and nothing is lost or doubled.

A crash point stands before and after every commit and every external call, and inside every transaction, where
all is written and nothing committed. `flows` name what `stories` and `races` tell of members and agents; `play`
lets a story go on where it was; `life` is one process of the service, from its start to its end or its crash;
`databases` keep what a life begins with, over SQLite and PostgreSQL; `matrix` forks lives, kills them, starts the
next one on what is left, and has `seen` record what both providers saw, for the checker of `machines.testing`.
`strikes` say where a flow is killed over sockets. `python -m tests.crash --list` names the points.
"""
