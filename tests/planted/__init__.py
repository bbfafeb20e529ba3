"""Planted bugs: plausible mistakes as patches, and the tests that must catch each.

`bugs` is the list, one patch beside it for each; `tree` a copy of the working tree; `python -m tests.planted` plants
them one by one. A patch that no longer applies is brought up to date with the change that broke it, never dropped.
"""
