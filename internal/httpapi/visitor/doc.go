// Package visitor is the edge that the widget talks to: /visitor/v1. Each handler decodes, calls one command and encodes;
// there are no rules here.
//
// A browser is authenticated by its token in the Authorization header. There are no cookies, so every origin may read the
// answers; the widget's list of domains decides from which sites it takes requests. It imports httpapi and the concepts.
package visitor
