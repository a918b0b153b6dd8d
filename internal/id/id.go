// Package id gives every kind of row its own integer type, so that a contact's id cannot be passed for a conversation's.
//
// Ids are positive and stay below 2^53, so that JavaScript holds them exactly. The package imports only the standard library.
package id

import (
	"fmt"
	"strconv"
	"strings"
)

// The identifiers. Zero means "none".
type (
	Operator     int64
	Group        int64
	Token        int64
	Contact      int64
	Widget       int64
	Goal         int64
	Conversation int64
	Session      int64
	Message      int64
	Event        int64
	Endpoint     int64
	Delivery     int64
	Channel      int64
	Media        int64
	LinkCard     int64
	Mail         int64
	Reply        int64 // a saved reply or question group
	Visitor      int64 // somebody on a site now
	Invitation   int64 // a message to a visitor who has not written yet
)

// Seq is an event's place in the instance's feed: 1, 2, 3 … in commit order without a gap. Zero means "not yet numbered".
type Seq int64

// MaxSafe is the greatest integer that JavaScript represents exactly together with its neighbours.
const MaxSafe = 1<<53 - 1

// Ref is the message id of the wire: conversation.part.message (S-016).
type Ref struct {
	Conversation Conversation
	Session      Session
	Message      Message
}

// String renders the reference as "8982.12509.48079".
func (r Ref) String() string {
	return strconv.FormatInt(int64(r.Conversation), 10) + "." + strconv.FormatInt(int64(r.Session), 10) + "." + strconv.FormatInt(int64(r.Message), 10)
}

// ParseRef reads what String wrote. It refuses signs, blanks, leading zeros, zero and numbers beyond MaxSafe.
func ParseRef(s string) (Ref, error) {
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return Ref{}, fmt.Errorf("message reference %.40q: want three numbers with dots between", s)
	}
	var n [3]int64
	for i, p := range parts {
		v, err := Parse(p)
		if err != nil {
			return Ref{}, fmt.Errorf("message reference %.40q: %w", s, err)
		}
		n[i] = v
	}
	return Ref{Conversation(n[0]), Session(n[1]), Message(n[2])}, nil
}

// Parse reads a positive decimal id without sign, blanks or leading zeros.
func Parse(s string) (int64, error) {
	if s == "" || len(s) > 16 || s[0] == '0' {
		return 0, fmt.Errorf("id %.20q: want a positive whole number", s)
	}
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("id %.20q: want a positive whole number", s)
		}
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || v > MaxSafe {
		return 0, fmt.Errorf("id %.20q: too large", s)
	}
	return v, nil
}
