"""For suites that attack the whole: what happened as plain values, and the invariants that have to hold of it."""
