"""Commands as a user whom modes of files bind, also where the tests run as root."""

import os
import shutil

import pytest


def without_rights(argv: list[str]) -> list[str]:
    """Return the command line that runs a command so; where root cannot give its rights up, the test is skipped."""
    if os.geteuid() != 0:
        return argv
    if shutil.which("setpriv") is None:
        pytest.skip("optional: no setpriv to give up root's rights")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", *argv]
