#!/usr/bin/env bash
# autorank compares entrants over the same pictures. Where scores look normal and equally spread, as PSNR often does, it
# tests "repeated measures" and then forgets that they are: its post-hoc test, Tukey's, takes the entrants' scores for
# independent samples, and its text and its diagram read that test by a criterion that is neither Tukey's nor its own words':
# - entrants apart by 0.3 dB on every one of 30 pictures, in the same order: the omnibus test rejects with p < 1e-40, and no
#   two entrants are told apart (the pictures differ more among themselves than the entrants do);
# - entrants apart by 1 dB: the text says that all differences are significant, while the intervals that it prints overlap
#   ("significantly different if their confidence intervals are not overlapping") and Tukey's own p is 0.27:
#   means are compared with half an interval where two halves would have to lie between them;
# - the rank-based way (force_mode="nonparametric") tells the first three apart, as the signed-rank test does.
# So a table's marks can be lost, or made up, by how alike the scenes are. This project's own judgement is the paired one.
#
# Seen on 2026-11-30 with autorank 1.3.0, statsmodels 0.15.0, scipy 1.17.1, pandas 3.1.1, Python 3.11.
#
# Exits 0 while that holds, 1 where it has changed, another status where the packages cannot be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  autorank==1.3.0 statsmodels==0.15.0 scipy==1.17.1 pandas==3.1.1 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import contextlib
import io
import sys

import numpy as np
import pandas as pd
from autorank import autorank, create_report
from scipy.stats import wilcoxon
from statsmodels.stats.multicomp import pairwise_tukeyhsd

rng = np.random.default_rng(0)
scenes = rng.normal(25, 3, 30)


def scores(step):
    """Return PSNR in dB of three entrants on 30 pictures, each ahead of the last by about `step` on every picture."""
    return pd.DataFrame({name: scenes + step * place + rng.normal(0, 0.05, 30) for place, name in enumerate("abc")})


def told(table, **options):
    """Return autorank's omnibus p, its last sentence, and its table."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        result = autorank(table, alpha=0.05, verbose=False, **options)
        create_report(result)
    last = said.getvalue().strip().splitlines()[-1]
    return result.pvalue, last, result.rankdf


def tukey_p(table):
    long = table.melt()
    return min(pairwise_tukeyhsd(long["value"], long["variable"]).pvalues)


near, far = scores(0.3), scores(1.0)
assert all((table[better] > table[worse]).all() for table in (near, far) for worse, better in ("ab", "bc"))

near_p, near_words, _ = told(near)
_, rank_words, _ = told(near, force_mode="nonparametric")
_, far_words, far_table = told(far)
long = far.melt()
neighbours = pairwise_tukeyhsd(long["value"], long["variable"]).pvalues[0]
overlap = far_table.loc["b", "ci_lower"] < far_table.loc["a", "ci_upper"]
print(f"0.3 dB apart: omnibus p {near_p:.0e}, smallest Tukey p {tukey_p(near):.2f}: {near_words}")
print(f"the same by ranks: {rank_words}")
print(f"signed-rank test of the two nearest: p {wilcoxon(near['a'], near['b']).pvalue:.0e}")
print(f"1 dB apart: Tukey p of neighbours {neighbours:.2f}, their intervals overlap: {overlap}: {far_words}")

holds = (
    near_p < 1e-40
    and "no significant differences within" in near_words
    and "all differences between the populations are significant" in rank_words
    and "all differences between the populations are significant" in far_words
    and neighbours > 0.05
    and overlap
)
print("as seen" if holds else "it has changed")
sys.exit(0 if holds else 1)
PYTHON
