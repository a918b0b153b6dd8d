// Package verify tries out somebody's receiver of callbacks: it sends every sample of a dialect as a server would, and then
// what only comes on bad days: a repeat, a forged call, an old one, one in pieces, two at once. It needs no server.
//
// It imports the dialects, the samples and the kernel. It has an HTTP client of its own, since outhttp knows no half sent
// calls and refuses the addresses where a receiver under work is.
package verify
