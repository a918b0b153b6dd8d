#!/usr/bin/env bash
# Says what is missing before anything long starts.
. scripts/lib.sh

have go || die "Go is missing. Parley needs Go 1.26 or newer: https://go.dev/dl/"
go_version=$(go env GOVERSION)
version_at_least "${go_version#go}" 1.26 || die "this is ${go_version}; Parley needs Go 1.26 or newer: https://go.dev/dl/"
have node || die "Node is missing. The web apps need Node 20 or newer: https://nodejs.org/ (the server alone builds without it: go build -o bin/parley ./cmd/parley)"
node_version=$(node --version)
version_at_least "${node_version#v}" 20.0.0 || die "this is Node ${node_version}; the web apps need Node 20 or newer: https://nodejs.org/"
have npm || die "npm is missing; it comes with Node, or as the package npm of your distribution"
