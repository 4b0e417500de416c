"""Public files that nobody on this project wrote, as input of tests: in a folder beside the clone,
never in the repository.  A test that needs them skips, saying so, where they are absent.
"""

import os
import sys
from pathlib import Path

from local_stack import ROOT

SKIPPED = 77  # what ctest takes for it


def where_it_would_be(name):
    """In TEST_DATA, or else in ../shared/data beside the clone."""
    return Path(os.environ.get("TEST_DATA") or ROOT.parent / "shared" / "data") / name


def real_data(name):
    """The folder of that name, or None."""
    folder = where_it_would_be(name)
    return folder if folder.is_dir() else None


def real_data_or_skip(name):
    folder = real_data(name)
    if folder is None:
        print(f"skipped: {where_it_would_be(name)} is not there (TEST_DATA names its parent)")
        sys.exit(SKIPPED)
    return folder
