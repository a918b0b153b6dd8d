#!/usr/bin/env bash
# Prints the modules that are linked into the binary on Linux, one "path version" a line. deps.txt is its committed answer.
. scripts/lib.sh

GOOS=linux GOARCH=amd64 go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}' ./cmd/parley | LC_ALL=C sort -u
