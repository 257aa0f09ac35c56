#!/usr/bin/env bash
# uv holds what builds a source distribution to hashes only as far as --build-constraints names it. A wrong hash there ends the
# build, so the option looks as if it locked the build; but what the build asks for and the constraints leave out is installed
# without any hash, also under --require-hashes, and nothing says so. One missing line, or a new release of the package that asks
# for one tool more, and code that no hash names runs while the image is built. --no-build-isolation over a folder that was itself
# installed with --require-hashes closes that.
#
# Seen on 2026-11-30 with uv 0.13.9, Python 3.11, docopt 0.6.2 (source only; it is built by setuptools):
#   build constraints with another file's hash for setuptools: refused;
#   build constraints that do not name setuptools:             built, exit 0, no warning.
#
# Exits 0 while that holds, 1 where it has changed, another status where the packages cannot be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/tools"
"$folder/tools/bin/pip" install --quiet --disable-pip-version-check uv==0.13.9
uv="$folder/tools/bin/uv"
printf '%s\n' 'docopt==0.6.2 --hash=sha256:49b3a825280bd66b3aa83585ef59c4a8c82f2c8a522dbe754a8bc8d08c85c491' >"$folder/wanted.txt"
zeros=$(printf '0%.0s' {1..64})
printf 'setuptools==80.9.0 --hash=sha256:%s\n' "$zeros" >"$folder/wrong.txt"
printf 'wheel==0.45.1 --hash=sha256:%s\n' "$zeros" >"$folder/silent.txt"

built() {
  "$uv" venv --quiet "$folder/$1"
  "$uv" pip install --python "$folder/$1/bin/python" --no-cache --require-hashes --no-binary docopt \
    --build-constraints "$folder/$1.txt" --requirement "$folder/wanted.txt" >"$folder/$1.log" 2>&1
}

if built wrong; then wrong=built; else wrong=refused; fi
if built silent; then silent=built; else silent=refused; fi
echo "uv 0.13.9, a wrong hash for the build's setuptools: $wrong"
echo "uv 0.13.9, no line for it among the build constraints: $silent"
if [ "$wrong" = refused ] && ! grep -qi hash "$folder/wrong.log"; then cat "$folder/wrong.log"; exit 2; fi
if [ "$silent" = refused ] && ! grep -qi hash "$folder/silent.log"; then cat "$folder/silent.log"; exit 2; fi
[ "$wrong" = refused ] && [ "$silent" = built ]
