package delivery

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"parley/internal/db"
	"parley/internal/id"
)

// A sheet is what the log keeps of up to sheetMax deliveries that went well at their first attempt, in one value of the database.
// Written one by one, a body and an attempt touch a page each and two indexes; most of a delivery's cost was that.
const (
	sheetMax = 64
	// sheetBytes is from where a sheet takes no more: erasing one of its entries writes all of it again.
	sheetBytes   = 256 << 10
	sheetVersion = 1
)

// entry is one delivery of a sheet.
type entry struct {
	delivery id.Delivery
	started  time.Time
	took     time.Duration
	status   int
	url      string
	// sent and got are headers as headerText writes them.
	sent, got string
	answer    []byte
	// body is nil where it was erased.
	body []byte
}

// The layout: a version, and for each entry the delivery, the length of the rest, and the rest: the start in microseconds, the time it
// took in microseconds, the status, whether there is a body, and then the texts, each with its length before it. Numbers are varints.

func appendEntry(b []byte, e *entry) []byte {
	rest := make([]byte, 0, 64+len(e.url)+len(e.sent)+len(e.got)+len(e.answer)+len(e.body))
	rest = binary.AppendUvarint(rest, uint64(max(db.Micros(e.started), 0)))
	rest = binary.AppendUvarint(rest, uint64(max(e.took.Microseconds(), 0)))
	rest = binary.AppendUvarint(rest, uint64(max(e.status, 0)))
	if e.body == nil {
		rest = append(rest, 0)
	} else {
		rest = append(rest, 1)
	}
	for _, text := range []string{e.url, e.sent, e.got} {
		rest = binary.AppendUvarint(rest, uint64(len(text)))
		rest = append(rest, text...)
	}
	for _, text := range [][]byte{e.answer, e.body} {
		rest = binary.AppendUvarint(rest, uint64(len(text)))
		rest = append(rest, text...)
	}
	b = binary.AppendUvarint(b, uint64(e.delivery))
	b = binary.AppendUvarint(b, uint64(len(rest)))
	return append(b, rest...)
}

func writeSheet(list []entry) []byte {
	size := 1
	for i := range list {
		e := &list[i]
		size += 80 + len(e.url) + len(e.sent) + len(e.got) + len(e.answer) + len(e.body)
	}
	b := append(make([]byte, 0, size), sheetVersion)
	for i := range list {
		b = appendEntry(b, &list[i])
	}
	return b
}

var errSheet = errors.New("the sheet is damaged")

// readSheet returns the entries that want asks for; nil asks for all. Their texts share the sheet's memory.
func readSheet(b []byte, want func(id.Delivery) bool) ([]entry, error) {
	if len(b) == 0 || b[0] != sheetVersion {
		return nil, errSheet
	}
	b = b[1:]
	var list []entry
	for len(b) > 0 {
		r := sheetReader{b: b}
		d := id.Delivery(r.number())
		rest := r.text()
		if r.bad {
			return nil, errSheet
		}
		b = r.b
		if want != nil && !want(d) {
			continue
		}
		e := entry{delivery: d}
		r = sheetReader{b: rest}
		e.started = db.Time(int64(r.number()))
		e.took = time.Duration(r.number()) * time.Microsecond
		e.status = int(r.number())
		has := r.number()
		e.url, e.sent, e.got = string(r.text()), string(r.text()), string(r.text())
		e.answer, e.body = r.text(), r.text()
		if has == 0 {
			e.body = nil
		}
		if r.bad || has > 1 || len(r.b) > 0 {
			return nil, errSheet
		}
		list = append(list, e)
	}
	return list, nil
}

// sheetReader reads what appendEntry wrote. After the first thing that does not fit it is bad and gives nothing.
type sheetReader struct {
	b   []byte
	bad bool
}

func (r *sheetReader) number() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > 1<<62 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *sheetReader) text() []byte {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	text := r.b[:n:n]
	r.b = r.b[n:]
	return text
}

// entryOf is what a sheet keeps of a result.
func entryOf(r *result) entry {
	answer := r.out.ResponseBody
	if len(answer) > logLimit {
		answer = answer[:logLimit]
	}
	return entry{delivery: r.r.id, started: r.started, took: r.took, status: r.out.Status, url: clean(r.out.URL), sent: headerText(r.out.RequestHeader),
		got: headerText(r.out.ResponseHeader), answer: answer, body: r.job.Body}
}

// attempt is the entry as the log shows it.
func (e *entry) attempt() (Attempt, error) {
	a := Attempt{Number: 1, StartedAt: e.started, Duration: e.took, Outcome: Done, Status: e.status, RequestURL: e.url, RequestHeader: http.Header{},
		ResponseHeader: http.Header{}, ResponseBody: e.answer}
	if err := errors.Join(json.Unmarshal([]byte(e.sent), &a.RequestHeader), json.Unmarshal([]byte(e.got), &a.ResponseHeader)); err != nil {
		return a, fmt.Errorf("attempt of delivery %d: %w", e.delivery, err)
	}
	return a, nil
}
