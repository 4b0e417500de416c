"""Public files that nobody on this project wrote, as input of tests: in a folder beside the clone,
never in the repository.  A test that needs them skips where they are absent, and says so in a line
that tests/run looks for ("skipped: ...").  Where CI is set it fails instead, so that a proof cannot
pass by not running; TEST_DATA=none says that they are missing on purpose.

    real_data.py NAME COMMAND...

runs COMMAND with the folder as its last argument.
"""

import os
import subprocess
import sys
from pathlib import Path

from local_stack import ROOT

SKIPPED = 77  # what ctest takes for it


def real_data(name):
    """The folder of that name, in TEST_DATA, or else in ../shared/data beside the clone; None where
    it is absent.  Ends the test where CI is set."""
    given = os.environ.get("TEST_DATA")
    folder = Path(given or ROOT.parent / "shared" / "data") / name
    if folder.is_dir():
        return folder
    if os.environ.get("CI") and given != "none":
        sys.exit(f"{folder} is not there, and CI skips nothing: TEST_DATA names its parent, or is"
                 " none")
    print(f"skipped: {folder} is not there (TEST_DATA names its parent)", flush=True)
    return None


def real_data_or_skip(name):
    folder = real_data(name)
    if folder is None:
        sys.exit(SKIPPED)
    return folder


if __name__ == "__main__":
    _, wanted, *command = sys.argv
    sys.exit(subprocess.run([*command, real_data_or_skip(wanted)], check=False).returncode)
