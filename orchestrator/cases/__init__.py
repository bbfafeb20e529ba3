"""The agents' side of cases: what they look at, what they do, and what comes of it. Over every desk alike."""
