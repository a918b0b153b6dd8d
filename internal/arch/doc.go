// Package arch holds the house rules as tests: which package may import which, where SQL text and JSON tags may stand,
// and the habits that a compiler does not check. docs/layout.md explains them.
//
// The import table is data in table_test.go. A new package is not allowed anywhere until it has a row there; a wall that
// moves is moved in that table and in docs/layout.md by the same commit. Every rule is also run against a small sample
// that breaks it, so that a rule that has gone blind is noticed.
//
// The package has no code of its own and nothing imports it.
package arch
