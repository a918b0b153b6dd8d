// Package inbox is the heart: conversations, their sessions (parts) and messages, who is responsible, and what has been read.
//
// Vocabulary: a contact has conversations; a conversation has sessions; a session has messages. A session opens with a
// message of the contact and ends by operator, contact, time-out, rule or API. A conversation is new (nobody has answered),
// open, pending (set aside) or ended, and the contact can reopen it. Messages are numbered 1, 2, 3 … within their
// conversation, notes and thread entries included.
//
// Invariants
//   - Every change of a conversation runs under its row lock, in one transaction with its events; nothing outside this
//     package writes the tables conversations, sessions and messages.
//   - What happens on another channel than the website, from hidden_from on, is in no view of a browser that is not signed in. A message of the
//     website goes to conversations of the website unless a signed-in contact names another one.
//   - A message to the contact over a channel has a stored state, which its channel sets: pending and failed in turns until the other side
//     has it, then it only grows. All other states follow from the marks.
//   - An edited or deleted message keeps its number and when the conversation was last active; the list's line and the search index say what
//     the messages say now. A deleted one has neither text nor file nor card.
//   - Lock order: idempotency key, then contact, then conversations by id, then routing. It keeps two commands from waiting
//     for each other. Operators and groups are read without a lock.
//   - message_count is the highest number; numbers have no gaps. unread is the number of the contact's messages beyond
//     operator_read. At most one session of a conversation is open, and it is the latest.
//   - Read and delivered marks only grow.
//   - What people say in a conversation is sent at times that grow with its number, whatever the clocks say; a time names one message.
//   - The alarm runs for the first message of the contact that no operator has answered, from the moment at which it is stored; an operator's
//     message, and the conversation's end, stop it. It rings once for it, and only a new message starts it again. UnansweredAt is since when it
//     rings. A session of the offline form has none.
//   - A review that is still to be told belongs to the latest session, and a transcript that waits for it to an ended conversation. What is due
//     stands in the rows, never in memory: it survives a restart, and of several nodes one tells it.
//   - The newest event of a conversation carries what its row and its latest session's row say. A thread entry comes with the
//     event that put it there: conversation.assigned has one when a person handed the conversation over, none when it was
//     routed at a session's start or taken by answering.
//   - What is told of the end, the hand-over or the judgement of a session carries all its messages and internal notes; what is told
//     of the end of a conversation carries all of it. Messages and starts carry neither, so that a long session costs no more
//     than a short one.
//   - A flagged conversation is requested by the event of the next change of its status, whoever or whatever changes it, and by no
//     other; that transaction clears the flag. Every change of the status goes through changeStatus, end or reopen.
//   - conversation_tags holds exactly the tags of the conversations, and a session counts its internal notes.
//   - Conversations of a contact whose data was erased have ended for good and say nothing any more. What events and deliveries hold of them is
//     blanked afterwards, when no delivery waits for it; their ids, times and numbers stay.
//   - A repeat of a command with the same key changes nothing and gets the first answer.
//
// Files: conversation.go, session.go and message.go hold the rules (no database, time as an argument); *_sql.go the
// statements; visitor.go, offline.go, invitation.go, reauth.go, erase.go, own.go, outcome.go, review.go, hook.go, goals.go, channel.go, desk.go, edit.go, labels.go, bulk.go and timers.go the commands of
// contacts, channels, operators and the clock; snapshot.go what events
// carry of a whole session or conversation; list.go the reads, list_filter.go lists with
// filters, ids and exports; search.go what a text and a search mean, search_index.go the index of them.
// It imports audit, db, delivery, event, feed, once, team, contact, widget and media.
package inbox
