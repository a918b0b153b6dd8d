// Package reply holds texts that operators send with a few keys: saved replies with variables, and question groups, whose answers
// contacts can give with a click.
package reply
