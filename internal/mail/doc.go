// Package mail sends mails to contacts: transcripts of conversations, answers that came when the contact had left, and ways to sign in
// again. A mail goes out through the installation's mail server, or by a callback to the customer's own server, which each widget says
// for itself.
//
// # Invariants
//
//   - A mail is a row, an event mail.queued and a delivery, all of one transaction. The delivery engine orders, repeats and logs it.
//   - Which way a mail goes is decided when it is sent, not when it is queued. While there is no way, it waits and nothing is dropped.
//   - What is sent of a mail is made once, before its first attempt, and has the same bytes over all attempts.
//   - The secrets of a way to sign in are never stored: they are made from its id again when the mail is made, and what the log keeps of
//     a mail is shown without them.
//   - An address that a visitor typed gets a bounded number of mails by the visitor's wish, and never a link that signs somebody in but
//     to the contact that the address belongs to.
package mail
