#!/usr/bin/env bash
# Prints the Go files of this repository, for gofmt, which would walk into node_modules.
. scripts/lib.sh

find . \( -name node_modules -o -name testdata -o -path ./.git \) -prune -o -name '*.go' -print
