// Package standard is our own dialect: Standard Webhooks bodies {type, timestamp, data, seq}. The same shapes are what the
// event feed of the HTTP API and the sockets of operators send.
//
// It may import event and dialect only.
package standard
