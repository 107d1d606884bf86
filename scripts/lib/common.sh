# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the scripts share: where the project is, how to speak, how to build, how to start and stop a daemon.
# Sourced, never run.

unset CDPATH # or cd would print where it has gone
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$root/build

say() { printf '\n== %s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
die() {
  warn "${0##*/}: $*"
  exit 1
}
wrong_use() {
  warn "${0##*/}: $*"
  warn "Try ${0##*/} --help."
  exit 2
}

# The help of a script is the comment at its top.
help() { awk 'NR <= 2 { next } /^#/ { sub(/^# ?/, ""); print; next } { exit }' "$0"; }

# Configure the build directory once; a later call changes the options (-D…) that are given, and keeps what else is there.
# Further arguments go to meson setup.
# shellcheck disable=SC2120 # not every caller has any
configure() {
  local option options=()
  if [ ! -f "$build/build.ninja" ]; then
    meson setup "$build" "$root" "$@"
    return
  fi
  for option; do case $option in -D*) options+=("$option") ;; esac; done
  [ ${#options[@]} -eq 0 ] || meson configure "$build" "${options[@]}"
}

# Compile everything, or these targets. Two jobs at most: the machine may be small, and other work may run on it.
# shellcheck disable=SC2120 # not every caller names targets
compile() {
  local jobs
  jobs=$(nproc 2>/dev/null || echo 2)
  [ "$jobs" -le 2 ] || jobs=2
  ninja -C "$build" -j "$jobs" "$@"
}

# Start tandemd with these arguments on a free port; its log goes to the file named first.
# Sets daemon_pid, daemon_url and daemon_out (what it prints on standard output).
start_daemon() {
  local log=$1 tries=0
  shift
  daemon_out=$log.out
  : >"$daemon_out"
  "$build/server/daemon/tandemd" --port 0 "$@" >"$daemon_out" 2>"$log" &
  daemon_pid=$!
  while daemon_url=$(sed -n 's/^tandemd .* listening on \(http:[^ ]*\) .*/\1/p' "$daemon_out"); [ -z "$daemon_url" ]; do
    kill -0 "$daemon_pid" 2>/dev/null || { tail -n 5 "$log" >&2; die "tandemd did not start (its log: $log)"; }
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || die "tandemd gave no ready line in 10 s (its log: $log)"
    sleep 0.05
  done
}

# SIGTERM, then wait for the drain. Returns the daemon's exit status.
stop_daemon() {
  local pid=$daemon_pid
  daemon_pid=
  kill -TERM "$pid" 2>/dev/null || true
  wait "$pid"
}
