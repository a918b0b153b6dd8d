// Package widget holds the messengers that stand on websites: their look, the sites that may carry them, the group that
// answers, and the secret with which a site signs its users' identities.
//
// A widget's key is public (it stands in the page); its identity secret is sealed at rest and shown once. It imports db,
// event, feed and team. Functions that take a *db.Tx are parts of a larger command.
package widget
