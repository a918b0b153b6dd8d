// Package smtp hands one mail to one mail server: the connection with or without TLS, the sign-in, the message itself with its
// headers and its DKIM signature, and what the server's answer means for the mail and for the server.
//
// It knows nothing of contacts, widgets or deliveries, keeps nothing between two mails, and is safe for concurrent use. What it is
// given is text of strangers (names, subjects, addresses), and what it reads is, too (answers): neither can add a header, a receiver or
// a command, and no answer is read beyond a limit.
package smtp
