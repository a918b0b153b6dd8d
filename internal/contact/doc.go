// Package contact holds the people who write to us: their data, their browsers' tokens and their signed identities.
//
// A visitor becomes a contact with the first message, never before. A browser is known by a random token of which only the
// hash is stored. An identity signed by the site's own server (JWT, HS256) ties a contact to the site's user id, the
// external id, which is unique. Functions that take a *db.Tx are parts of a larger command (inbox); Desk's methods are
// commands of their own. It imports db, event, feed and team, and knows no conversations.
package contact
