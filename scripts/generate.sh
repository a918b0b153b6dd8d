#!/usr/bin/env bash
# Makes the generated files anew. With --check it leaves everything as it was and fails when a file would have changed.
. scripts/lib.sh

generated=(internal/webhook/dialect/all/all.go internal/webhook/dialect/standard/body.go internal/event/stored/event.go api/openapi.json docs/settings.md)

settings() {
  printf '# Settings\n\n<!-- Made by make generate from the same tags as the flags. -->\n\n```\n'
  go run ./cmd/parley config doc
  printf '```\n'
}

generate() {
  note "go generate"
  go generate ./... || return 1
  note "api/openapi.json"
  mkdir -p api
  go test -count=1 -run '^TestTheCommittedDocumentIsCurrent$' ./internal/httpapi/rest -update >/dev/null || return 1
  note "docs/settings.md"
  settings >docs/settings.md.new && mv docs/settings.md.new docs/settings.md || return 1
}

if [ "${1:-}" != --check ]; then
  generate
  exit
fi

kept=$(mktemp -d)
restore() {
  local f
  for f in "${generated[@]}"; do
    if [ -e "$kept/$f" ]; then cp -p "$kept/$f" "$f"; fi
  done
  rm -rf "$kept"
}
trap restore EXIT
for f in "${generated[@]}"; do
  mkdir -p "$kept/$(dirname "$f")"
  if [ -e "$f" ]; then cp -p "$f" "$kept/$f"; fi
done
generate
stale=0
for f in "${generated[@]}"; do
  diff -u "$kept/$f" "$f" || stale=1
done
[ "$stale" = 0 ] || die "generated files are stale: run make generate and commit what it changes"
