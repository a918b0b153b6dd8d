// Command parley is the whole product: server, demo and administration in one binary.
package main

import (
	"os"

	"parley/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr)) }
