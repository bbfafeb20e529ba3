"""The command line: `orchestrator`, also `python -m orchestrator`."""

from __future__ import annotations

from orchestrator.cli.run import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
