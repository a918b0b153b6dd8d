// Package contact holds the people who write to us: their data, their browsers' tokens, their signed identities, and their ways to sign in by mail.
//
// A visitor becomes a contact with the first message, never before. A browser is known by a random token of which only the
// hash is stored. An identity signed by the site's own server (JWT, HS256) ties a contact to the site's user id, the
// external id, which is unique. Whoever uses the link or code of a mail has proven its address; what a browser types proves nothing, and never takes the
// place of what was proven. Functions that take a *db.Tx are parts of a larger command (inbox); Desk's methods are
// commands of their own. It imports db, event, feed and team, and knows no conversations.
package contact
