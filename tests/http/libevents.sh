#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# libevents.sh BUILD: the message cases in BUILD once more, on each build of libevent that Debian 12 has had.
#
# The builds are taken from Debian's archive and unpacked in BUILD; what is installed stays as it is. One that the
# archive does not have any more is reported as not run. Ends with one line: N passed, N failed.
set -eu
unset CDPATH
[ $# -eq 1 ] || { sed -n '3,6s/^# //p' "$0" >&2; exit 2; }
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd)
known='2.1.12-stable-8 2.1.12-stable-8+deb12u1'
packages='libevent-core-2.1-7 libevent-extra-2.1-7'
tests='cases_evhttp cases_direct cases_echo_evhttp cases_echo_direct protocol_evhttp protocol_direct'
place=$build/libevents
apt=(-q -o "Dir::Cache=$place/cache")
passed=0 failed=0 run=0

not_run() { printf 'not run: libevent %s (%s)\n' "$1" "$2"; }
add() { passed=$((passed + $1)) failed=$((failed + $2)); }
finish() {
  printf '%s passed, %s failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ]
  exit
}

offered() { apt-cache "${apt[@]}" madison libevent-core-2.1-7 2>/dev/null | awk '{ print $3 }'; }

# Without the archive's lists (a fresh container), have lists of our own.
look_up() {
  offers=$(offered)
  [ -z "$offers" ] || return 0
  mkdir -p "$place/lists/partial" "$place/cache/archives/partial"
  apt+=(-o "Dir::State::Lists=$place/lists")
  apt-get "${apt[@]}" update >/dev/null
  offers=$(offered)
}

# Unpack a build into $place/VERSION.
unpack() {
  local package to=$place/$1
  mkdir -p "$to" "$place/cache/archives/partial"
  cd "$to"
  for package in $packages; do apt-get "${apt[@]}" download "$package=$1" || return 1; done
  for package in *.deb; do dpkg -x "$package" . || return 1; done
}

# Do the tests' programs really load it?
is_loaded() { LD_LIBRARY_PATH=$1 ldd "$build/tests/http/test_cases" | grep -q "libevent_extra.*=> $1/"; }

run_on() {
  local version=$1 lib status=0 counts log=$build/meson-logs/libevent-$1.json
  lib=$(dirname "$(find "$place/$version" -name 'libevent_extra-2.1.so.7')")
  printf '\n== libevent %s\n' "$version"
  if ! is_loaded "$lib"; then
    echo "the tests do not load it"
    add 0 1
    return
  fi
  rm -f "$log"
  # shellcheck disable=SC2086 # a list of words
  LD_LIBRARY_PATH=$lib meson test -C "$build" --no-rebuild --print-errorlogs --num-processes 2 \
    --logbase "libevent-$version" $tests </dev/null || status=$?
  counts=$(python3 "$root/scripts/lib/tally.py" "$log" "$status") || true
  printf '%s\n' "$counts"
  counts=${counts##*$'\n'}
  add "${counts%% passed*}" "$(expr "$counts" : '.*, \([0-9]*\) failed')"
}

if ! command -v apt-get >/dev/null 2>&1 || ! grep -Eqs '^VERSION_ID="?12"?$' /etc/os-release; then
  not_run "$known" "this is not Debian 12"
  finish
fi
mkdir -p "$place"
look_up
# shellcheck disable=SC2086 # lists of words
for version in $(printf '%s\n' $known $offers | sort -u); do
  if ! printf '%s\n' "$offers" | grep -qxF "$version"; then
    not_run "$version" "the archive does not have it"
  elif ! (unpack "$version"); then
    not_run "$version" "it cannot be downloaded"
  else
    run=$((run + 1))
    run_on "$version"
  fi
done
[ "$run" -gt 0 ] || { echo "none was run"; add 0 1; }
finish
