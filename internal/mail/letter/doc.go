// Package letter writes the mails that contacts get: transcripts, answers that they missed, and ways to sign in again. It turns what is
// known of a conversation into a subject, an HTML page and a plain text with the same words, and into the body of the e-mail callback.
//
// It is pure: no database, no network, no clock. The same letter gives the same bytes, so a retry or a replay may write it again.
//
// Invariants
//   - A subject is one line of visible characters, whatever a contact calls themselves.
//   - What people wrote is text: it is escaped, only http and https addresses become links, and signs that turn the direction of the
//     text around are taken out. The bodies in the callback's JSON stay as they were typed.
//   - A mail loads nothing from elsewhere but the widget's logo. It has no script, no form and nothing that tells that it was opened.
//   - HTML and plain text say the same. The HTML looks right with its inlined styles alone; its style sheet only adds the dark
//     colours and the small screen. It is well-formed XML.
//   - Notes and the text of what was deleted are in no mail; readers are told that something was, the callback's context is not.
//
// What receivers of the callback rely on is in callback.go and the two schemas; docs/mails.md shows the looks.
package letter
