#!/usr/bin/env bash
# jsonschema 4.26.0: whether another package has asked for its extra `format-nongpl` decides how long `import jsonschema`
# takes, in every process, also in those that check no format.
#
# Seen on 2026-11-30 with Python 3.11 and rfc3987-syntax 1.1.0, lark 1.3.1: without the extra the import takes about 0.1 s
# and loads no parser. With it jsonschema imports rfc3987_syntax at once, which builds its lark grammar at import, not at
# the first check: 5 to 10 times as long. cyclonedx-python-lib[json-validation] asks for that extra, so that a tool for
# lists of software slows every command of a program that reads one schema.
#
# Exits 0 while the import with the extra loads the parser and takes at least twice as long, 1 where that has changed,
# another status where the packages cannot be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for extra in "" "[format-nongpl]"; do
  venv="$folder/venv${extra//[^a-z]/}"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "jsonschema$extra==4.26.0" ${extra:+rfc3987-syntax==1.1.0 lark==1.3.1}
done
cat >"$folder/timed.py" <<'PYTHON'
import sys
import time

began = time.perf_counter()
import jsonschema

seconds = time.perf_counter() - began
print(f"{seconds:.3f} {int('lark' in sys.modules)}")
PYTHON
best() {
  for _ in 1 2 3 4 5; do "$1/bin/python" -W ignore "$folder/timed.py"; done | sort -n | head -n 1
}
read -r plain plain_parser <<<"$(best "$folder/venv")"
read -r formats formats_parser <<<"$(best "$folder/venvformatnongpl")"
echo "import jsonschema: $plain s, parser loaded: $plain_parser; with format-nongpl: $formats s, parser loaded: $formats_parser"
[ "$plain_parser" = 0 ] && [ "$formats_parser" = 1 ] && awk "BEGIN { exit !($formats >= 2 * $plain) }"
