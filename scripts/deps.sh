#!/usr/bin/env bash
# Prints the modules that are linked into the binary, one "path version" a line. deps.txt is its committed answer.
. scripts/lib.sh

go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}' ./cmd/parley | LC_ALL=C sort -u
