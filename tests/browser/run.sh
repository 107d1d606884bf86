#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run.sh BUILD PROGRAM...: install the pinned packages into the build directory and run browser.mjs on the programs.
# Without npm or a Chromium it exits 77 (skipped); in CI, which installs both, that is a failure.
set -eu
unset CDPATH
here=$(cd "$(dirname "$0")" && pwd)
build=$1
shift
chromium=''
for name in chromium chromium-browser google-chrome; do
  if [ -z "$chromium" ]; then chromium=$(command -v "$name" || true); fi
done
missing=''
command -v npm >/dev/null 2>&1 || missing="npm "
command -v node >/dev/null 2>&1 || missing="${missing}node "
[ -n "$chromium" ] || missing="${missing}chromium "
if [ -n "$missing" ]; then
  echo "skipped: there is no $missing(scripts/setup --all installs it)"
  [ -z "${CI:-}" ] || exit 1
  exit 77
fi
mkdir -p "$build/browser"
cp "$here/package.json" "$here/package-lock.json" "$here/browser.mjs" "$build/browser/"
cd "$build/browser"
npm ci --ignore-scripts --no-audit --no-fund --silent
exec node browser.mjs "$chromium" "$@"
