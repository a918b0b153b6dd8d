// Package jsontext writes and reads JSON for the code that package gen makes: quoting, numbers, times and the walk through
// objects and arrays, without reflection.
//
// What a Writer writes is byte for byte what encoding/json writes, so that bodies and stored events stay the same whoever
// writes them. A Reader takes what json/v2 takes with its defaults, except that it lets pass what a value kept as RawJSON may
// hold: doubled keys and halves of surrogate pairs. An event with such custom data was stored and has to be read again.
//
// The package imports the standard library only.
package jsontext
