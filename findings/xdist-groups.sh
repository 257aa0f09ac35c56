#!/usr/bin/env bash
# pytest-xdist's `--dist loadgroup` groups nothing under pytest 9.2: tests that carry the same mark `xdist_group` run on several
# workers, without a word. xdist 3.8 appends "@group" to a private attribute of the item, from which pytest 9.2 no longer
# makes the node id that xdist's scheduler splits. What a group was there to protect (one Docker image built by one worker,
# one port, one session fixture) is then used by two at a time.
#
# Seen on 2026-11-30 with pytest-xdist 3.8.0, Python 3.11: 8 tests of one group on 2 workers run on
#   2 workers with pytest 9.2.0, 1 worker with pytest 8.4.2.
#
# Exits 0 while that holds, 1 where it has changed, another status where the packages cannot be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/test_one_group.py" <<'PYTHON'
import os
import pathlib
import time

import pytest


@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("number", range(8))
def test_member(number):
    time.sleep(0.3)
    pathlib.Path(os.environ["SEEN"], os.environ["PYTEST_XDIST_WORKER"]).touch()
PYTHON
declare -A workers
for version in 9.2.0 8.4.2; do
  python3 -m venv "$folder/venv-$version"
  "$folder/venv-$version/bin/pip" install --quiet --disable-pip-version-check "pytest==$version" pytest-xdist==3.8.0
  mkdir "$folder/seen-$version"
  (cd "$folder" && SEEN="$folder/seen-$version" "venv-$version/bin/pytest" -q -p no:cacheprovider -n 2 --dist loadgroup \
    test_one_group.py >"$folder/log" || { cat "$folder/log"; exit 2; })
  workers[$version]=$(find "$folder/seen-$version" -type f | wc -l)
  echo "pytest $version, pytest-xdist 3.8.0: the tests of one group ran on ${workers[$version]} worker(s)"
done
[ "${workers[9.2.0]}" -eq 2 ] && [ "${workers[8.4.2]}" -eq 1 ]
