# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of tandem-load for bash. A test holds its options against tandem-load --help=all.

_tandem_load_options() {
  if [ "$1" = compare ]; then
    echo --figure --tolerance --help --version
  else
    echo --connections --rate --arrivals --requests --duration --warmup --ramp --rounds --threads --mix --method \
      --header --body --body-file --seed --pipeline --reconnect --unix-socket --timeout --connect-timeout --follow \
      --follow-timeout --until-knee --knee-share --knee-factor --max-cpu --max-lag --batching --label --json --html \
      --csv --log --check --quiet --help --help=all --version
  fi
}

# The figures that --check and --figure take, as the program itself lists them.
_tandem_load_figures() {
  "$1" --check help 2>/dev/null | sed -n 's/^  \([a-z_.]*\)[^:]*: \(.*\)/\1 \2/p' | tr -d , |
    while read -r group figures; do for figure in $figures; do echo "$group.$figure"; done; done
}

_tandem_load() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} sub=
  [ "${COMP_WORDS[1]}" = compare ] && [ "$COMP_CWORD" -gt 1 ] && sub=compare
  COMPREPLY=()
  case $before in
    --json | --html | --csv | --log | --body-file | --unix-socket)
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return
      ;;
    --arrivals)
      mapfile -t COMPREPLY < <(compgen -W "uniform poisson" -- "$word")
      return
      ;;
    --check | --figure)
      mapfile -t COMPREPLY < <(compgen -W "$(_tandem_load_figures "${COMP_WORDS[0]}")" -- "$word")
      return
      ;;
  esac
  case $word in
    -*) mapfile -t COMPREPLY < <(compgen -W "$(_tandem_load_options "$sub")" -- "$word") ;;
    *)
      if [ -n "$sub" ]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
      else
        local words=http://
        [ "$COMP_CWORD" -eq 1 ] && words="http:// compare experiment"
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
      fi
      ;;
  esac
}
complete -o filenames -o nospace -F _tandem_load tandem-load
