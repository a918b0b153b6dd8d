// Package dialect is the contract of a webhook dialect: a pure function from an event's snapshot to the bytes that other
// people's programs receive, and what counts as success there.
//
// A dialect is one folder below this one with New() dialect.Dialect. It reads no clock, no database and no settings, so
// that rendering an event twice gives the same bytes, now and years later. It owns its wire structs; two dialects that look
// alike share nothing but the snapshot. The list of all dialects is generated into all/all.go. The contract test there
// runs every dialect over every sample of eventtest: a golden file each, valid JSON, and valid for the published JSON
// Schema. It may import event only.
package dialect
