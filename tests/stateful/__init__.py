"""Stateful tests of the whole service: Hypothesis picks what people do and what goes wrong, step by step.

`street` is a town of the simulation that waits to be told what happens next; `people` and `trouble` are the steps;
`watch` looks after every step at what must hold at any moment; `machine` puts them together, and has everything
heal, settle and be judged at the end. A failing example is shrunk to the few steps that it takes, and printed.
"""
