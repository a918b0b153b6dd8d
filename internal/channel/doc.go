// Package channel lets conversations take place elsewhere than on a website: another messenger, an SMS gateway, a mail server. It keeps
// the channels' settings, opens the door at which their other sides post messages, finds out who writes, and makes the calls that bring
// the operators' messages out.
//
// Wiring
//
//	channels := channel.New(channel.Options{DB: d, Feed: f, HTTP: door, Sealer: sealer, Kinds: all.Kinds(), Inbox: inbox, Contacts: contacts, …})
//	f.Plan(channels.Plan)
//	engine := delivery.New(delivery.Options{…, Executors: map[string]delivery.Executor{channel.Deliveries: channels.Executor()}})
//
// A kind of channel is a folder below this one, see docs/adding-a-channel.md. The package knows no kind by name.
//
// Invariants
//   - A message is stored once for each id of its sender, for good, in the transaction that answers for it. Who knocks without the token
//     changes nothing but the log, and the log has an end.
//   - Nobody gets at a contact by an e-mail address that a browser typed: what happens on a channel is hidden from browsers of contacts
//     who are not signed in, and an address that somebody types in a messenger never takes over what its owner said on the channel.
//   - An address has one contact; a contact has one current address on a channel, and answers go there.
//   - A message to the contact is one delivery, and its retries are the same delivery: it has one webhook id. Its state follows the
//     delivery's fate in the same transaction.
//   - Settings are sealed at rest; secrets are shown once, when they are made.
//
// Locks are taken in this order: delivery target, the sender's id of a message, address, contact, conversation. It imports db, delivery,
// event, feed, once, limit, outhttp, team, contact, widget and inbox.
package channel
