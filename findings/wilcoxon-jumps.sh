#!/usr/bin/env bash
# SciPy's Wilcoxon signed-rank test, as comparisons of restoration networks use it (method left to "auto"): p is not smooth in the
# number of pictures, nor in a single tie. Where every picture agrees, p of 51 pictures is 290,000 times p of 50, because
# "auto" leaves the exact distribution above 50; one tied difference among 50 makes it 425,000 times larger, because with any
# tie it is left above 13. And method="exact", asked for by name, takes data with ties without a word and gives the p of untied ranks.
#
# Seen on 2026-11-30 with scipy 1.17.1, numpy 2.4.6, Python 3.11.
#
# Exits 0 while that holds, 1 where it has changed, another status where the packages cannot be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check scipy==1.17.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import itertools
import sys

import numpy as np
from scipy.stats import rankdata, wilcoxon


def p(differences, **how):
    return float(wilcoxon(np.asarray(differences, dtype=float), **how).pvalue)


def counted(differences):
    """Two-sided p over all assignments of signs to the ranks of the magnitudes."""
    ranks = rankdata(np.abs(differences))
    seen = abs(float(np.sum(np.sign(differences) * ranks)))
    sums = [abs(float(np.dot(signs, ranks))) for signs in itertools.product((-1, 1), repeat=len(ranks))]
    return float(np.mean([one >= seen - 1e-9 for one in sums]))


untied = {n: np.arange(1, n + 1) / 100 for n in (50, 51)}
tied = untied[50].copy()
tied[1] = tied[0]
jump = p(untied[51]) / p(untied[50])
tie = p(tied) / p(untied[50])
few = [0.1, 0.1, -0.1, 0.2, 0.2, 0.2, 0.3, 0.3]
named = p(few, method="exact"), counted(few)
print(f"51 against 50 agreeing pictures: p grows {jump:,.0f} times")
print(f"one tie among 50: p grows {tie:,.0f} times")
print(f"eight differences with ties, method='exact': p = {named[0]:.5f}; counted over all signs: {named[1]:.5f}")
sys.exit(not (jump > 1e5 and tie > 1e5 and abs(named[0] - named[1]) > 1e-3))
PYTHON
