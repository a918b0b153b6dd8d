// Package userlike is the dialect of the API add-on: one flat JSON object per call, told apart by _type and _event, so that
// receivers written for that product work unchanged (S-083 … S-115).
//
// Unknown values are null, custom is always an object, times are "YYYY-MM-DD HH:MM:SS" in UTC except in message objects.
// The form of 2014 has other words for some types and events, and other message objects (wire_2014.go).
// Success is HTTP 200 and nothing else. It may import event and dialect only.
package userlike
