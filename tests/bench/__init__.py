"""Measurements: what a step, a commit, a webhook and a start cost. Ratios inside one run; no build fails by them."""
