# Shared by the scripts; source it from the repository's root. Needs bash and the usual tools, nothing else.
set -euo pipefail

say() { printf '\n==> %s\n' "$*"; }
note() { printf '    %s\n' "$*"; }
die() {
  printf '\nerror: %s\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }
in_ci() { [ "${CI:-}" = true ]; }

# step NAME COMMAND…: run one part, remember how it went and how long it took, and go on in any case.
# COMMAND must be one program: a function would run without "set -e".
steps=()
step() {
  local name=$1 from=$SECONDS rc=0
  shift
  say "$name"
  "$@" || rc=$?
  if [ "$rc" = 0 ]; then
    steps+=("ok|$((SECONDS - from))|$name")
  else
    printf 'failed (exit code %s): %s\n' "$rc" "$*"
    steps+=("FAILED|$((SECONDS - from))|$name")
  fi
}

# missing SUITE HOW: a part that could not run, and how to get what it needs. In CI that is a failure.
missing() {
  say "$1 did not run"
  note "$2"
  steps+=("MISSING|0|$1: $2")
}

# summary: print what ran; the exit code says whether all is well.
summary() {
  local s state rest passed=0 failed=0 absent=0
  say "summary of $1"
  for s in "${steps[@]}"; do
    state=${s%%|*} rest=${s#*|}
    printf '%-8s %5ss  %s\n' "$state" "${rest%%|*}" "${rest#*|}"
    case $state in
      ok) passed=$((passed + 1)) ;;
      MISSING) absent=$((absent + 1)) ;;
      *) failed=$((failed + 1)) ;;
    esac
  done
  if in_ci; then
    failed=$((failed + absent))
  elif [ "$absent" -gt 0 ]; then
    note "$absent part(s) did not run, see MISSING above"
  fi
  printf 'took %sm%02ds\n' $((SECONDS / 60)) $((SECONDS % 60))
  printf 'steps: %s passed, %s failed\n' "$passed" "$failed"
  [ "$failed" = 0 ]
}

# may_install: are we root on a system with apt?
may_install() { [ "$(id -u)" = 0 ] && have apt-get; }

# install PACKAGE…: from the distribution, without a question. Fails quietly; the caller looks for the program afterwards.
apt_updated=no
install() {
  say "installing $* (apt-get)"
  if [ "$apt_updated" = no ]; then
    apt-get update -qq </dev/null || true
    apt_updated=yes
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null || true
}

# version_at_least HAVE WANT
version_at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }
