// Package media keeps files: uploads of visitors and operators, copies of what channels name by an address, and the cards of links.
//
// Invariants
//   - The bytes are in a Store under the file's key; what the database says of a file is true of the stored bytes. What a sender
//     says of type and size is never believed.
//   - A file's address is unguessable, carries an end and a signature, and needs no login. It is served so that no browser runs it.
//   - Nothing here calls another server inside a transaction; every call passes the guarded client.
//   - Bytes pass through files on the disk and never stand in memory as a whole; images are decoded by a child process.
//
// Rows and bytes cannot be changed in one transaction, so the row always comes first and goes last. An upload is "writing" until its
// bytes are durable, then "loose" until a message takes it, then "stored"; a file of a deleted message is "removed". The purge takes
// what is still writing or loose when it is due, and what is removed: it marks it as removed, deletes the bytes, then the row. Whenever
// a process dies, bytes have a row that says what shall become of them, and a row without bytes is one that no message has and that
// the next purge takes. A temporary file that a process left behind goes when the next one starts.
//
// A file that another server has is a row in the state "fetching" that is due. A worker claims it by moving its due time, which is then
// the end of a lease: only who set it may store what became of the file, so that two nodes never fetch one file at the same time and
// one that died loses its claim by itself. The file is fetched with one GET (and at most three redirects, each through the guard),
// copied into the store, and its message hears of it in the transaction that stores the result. What fails on the other
// side is the file's state, in plain words; nobody tries again but people. What makes its fetcher panic, or was begun several times without
// a result that could be stored, is given up: no file may take the server down again and again. Whoever settles a file or tells a message
// locks the conversation first, as all do who change messages.
//
// A link card is made once for its address and kept for a day, for an hour where the page says nothing. A transaction of a message
// only looks the address up, or puts it down with the message as one that waits; pages are claimed, read and stored like files, and
// messages are told one by one in transactions of their own, so that no message is stored later because of a card. What a page said
// before stays while it is read again and when it is gone. Texts of pages lose everything that cannot be seen; of a page's picture
// only the small one that was drawn from it is kept, as a JPEG of some kilobytes. Everybody can write an address into a message:
// private pages are not read unless Options.CardRanges has them, a conversation has only so many read in a while, a host that is
// slow keeps only its own pages waiting, and what waits too long is given up. Cards that no message shows go when they are old, with
// their pictures.
//
// It imports db, event, outhttp, team and media/thumb. It knows messages by id only: who owns them hears of changes through Options.
package media
