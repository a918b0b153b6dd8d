// Package all is the list of the dialects, generated from the folders beside it.
package all

//go:generate go run ./gen
