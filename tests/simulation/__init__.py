"""The deterministic simulation: a service, both providers and a handful of people, on one virtual clock.

A seed decides everything: what members and agents do and when, how long every call takes, what goes wrong with
calls, webhooks, gateway, database, process and clocks. `people` act, `weather` spoils calls, `trouble` strikes the
service itself, `town` is one run of a seed, `tally` counts what was met. `python -m tests.simulation SEED` replays
a seed and prints it, the same every time.
"""
