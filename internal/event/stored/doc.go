// Package stored is the form in which events are kept: JSON with Go's field names. It is nobody's contract but that of the rows
// that older versions wrote, so what was once written stays readable, and what is written stays the same.
//
// event.go is made from the types of package event by make generate; nothing has to be done for a new field beside that. An
// absent key leaves a field zero, and so does null; a key that is not known is passed over, because a newer version may have
// written it; keys may come in any order.
package stored
