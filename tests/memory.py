"""Where tests store what need not outlive the machine: in memory, a tenth of what a disk takes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

#: What the whole suite needs at once, six database servers included, twice over. A container may have little of it.
_MEMORY, _ROOM = Path("/dev/shm"), 4 * 1024**3


def memory() -> Path | None:
    """A folder in memory; None where there is not plenty: then temporary files go where they always do."""
    roomy = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM
    return _MEMORY if roomy else None
