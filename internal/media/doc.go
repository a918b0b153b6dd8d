// Package media keeps files: uploads of visitors and operators, copies of what channels name by an address, and the cards of links.
//
// Invariants
//   - The bytes are in a Store under the file's key; what the database says of a file is true of the stored bytes. What a sender
//     says of type and size is never believed.
//   - A file's address is unguessable, carries an end and a signature, and needs no login. It is served so that no browser runs it.
//   - Nothing here calls another server inside a transaction; every call passes the guarded client.
//
// It imports db, event, outhttp and team. It knows messages by id only: who owns them hears of changes through Options.
package media
