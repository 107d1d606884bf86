#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_install.sh BUILD SANITIZE CC...: install into an empty place, and there compile, link and run a small program with
# nothing but pkg-config's word, against the shared library and against the static one. Only tdm_... may be exported.
set -eu
build=$1
sanitize=$2
shift 2
# A sanitized library asks the same of its user's program; what is installed is never sanitized.
[ "$sanitize" = none ] || exit 77

dest=$(mktemp -d)
trap 'rm -rf "$dest"' EXIT
passed=0 failed=0
promise() {
  local name=$1
  shift
  if "$@" >"$dest/said" 2>&1; then passed=$((passed + 1)); else
    failed=$((failed + 1))
    printf '%s: failed\n' "$name"
    cat "$dest/said"
  fi
}

DESTDIR=$dest meson install -C "$build" --no-rebuild --quiet
pc=$(find "$dest" -name tandem.pc)
[ -n "$pc" ] || { echo "no tandem.pc was installed"; exit 1; }
prefix=$dest$(sed -n 's/^prefix=//p' "$pc")
lib=$(dirname "$(dirname "$pc")")
export PKG_CONFIG_PATH=${pc%/*}
word() { pkg-config --define-variable=prefix="$prefix" "$@" tandem; }

cat >"$dest/main.c" <<'C'
#include <stdio.h>
#include <tandem/tandem.h>

int main(void)
{
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_object_begin(&w);
    tdm_json_key(&w, "version");
    tdm_json_string(&w, tdm_version());
    tdm_json_object_end(&w);
    puts(tdm_json_text(&w, NULL));
    tdm_json_finish(&w);

    tdm_app *app = NULL;
    if (tdm_app_create(&app, &(tdm_app_options){.port = "0"}) < 0 || tdm_app_start(app) < 0)
        return 1;
    return tdm_app_destroy(&app);
}
C

with_shared() {
  # shellcheck disable=SC2046 # lists of words
  "$@" -std=c11 -Wall -Werror "$dest/main.c" $(word --cflags) -o "$dest/shared" $(word --libs) &&
    LD_LIBRARY_PATH=$lib "$dest/shared" && ldd "$dest/shared" | grep -q libtandem
}
# Without the shared library beside it, -ltandem is the static one, and --static names what that one needs in turn.
with_static() {
  rm -f "$lib"/libtandem.so*
  # shellcheck disable=SC2046 # lists of words
  "$@" -std=c11 -Wall -Werror "$dest/main.c" $(word --static --cflags) -o "$dest/static" $(word --static --libs) &&
    "$dest/static" && ! ldd "$dest/static" | grep -q libtandem
}
only_public_symbols() {
  nm -D --defined-only "$lib"/libtandem.so | awk '$3 !~ /^tdm_[a-z0-9]/ { print $3; wrong = 1 } END { exit wrong }'
}
# Debian's pkg-config and ld.so look into /usr/local/lib, and not into lib64. Elsewhere, or with another prefix, it is the
# user who says where to look.
debian_looks_there() {
  [ -e /etc/debian_version ] && [ "$prefix" = "$dest/usr/local" ] || return 0
  printf ':%s:' "$(pkg-config --variable=pc_path pkg-config)" | grep -q ":${PKG_CONFIG_PATH#"$dest"}:"
}
version_matches() { [ "$(word --modversion)" = "$(LD_LIBRARY_PATH=$lib "$dest/shared" | sed 's/.*"\([0-9.]*\)"}$/\1/')" ]; }
all_headers_are_there() {
  local header
  for header in "$(dirname "$0")"/../../include/tandem/*.h; do [ -e "$prefix/include/tandem/${header##*/}" ] || return 1; done
}
programs_run() { "$prefix/bin/tandemd" --version && "$prefix/bin/tandem-load" --version; }

what_explains_the_client_is_there() {
  [ -s "$prefix/share/man/man1/tandem-load.1" ] && [ -s "$prefix/share/tandem/tandem-load.schema.json" ] &&
    [ -s "$prefix/share/bash-completion/completions/tandem-load" ]
}

promise only_public_symbols_are_exported only_public_symbols
promise every_public_header_is_installed all_headers_are_there
promise debian_finds_what_is_installed_by_default debian_looks_there
promise pkg_config_links_the_shared_library with_shared "$@"
promise pkg_configs_version_is_the_librarys version_matches
promise the_programs_are_installed_and_run programs_run
promise the_man_page_the_completion_and_the_schema_are_installed what_explains_the_client_is_there
promise pkg_config_links_the_static_library with_static "$@"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
