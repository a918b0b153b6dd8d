// Package client talks to a Parley server over its HTTP API, for the tools of the command line: typed calls, problem
// documents as errors, time-outs, and repeats of what may be repeated. On it stands the Relay, which passes the event feed
// on to a receiver on the developer's machine.
//
// It imports the kernel only, and no wire struct of the server: what it knows of the API is what the API's document says.
package client
