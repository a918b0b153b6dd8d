package widget

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // hours work on machines without a table of time zones, too

	"parley/internal/event"
	"parley/internal/fault"
)

// Limits of the hours.
const (
	MaxOpenings = 70 // ten for each day of the week
	MaxHolidays = 200
	MaxHoliday  = 80 // characters of a holiday's name
	// MaxAhead is how far ahead OpenAt looks for the next opening.
	MaxAhead = 14 * 24 * time.Hour

	// maxZones is how many parsed time zones are kept; there are some 600.
	maxZones = 1000

	day = 24 * 60 // minutes
)

// Available is what visitors of a widget are told about who is there: event.Online, event.Away or event.Offline. group is the same of the
// operators who answer it (team.Availability).
func Available(w *event.Widget, group string, now time.Time) string {
	told, _ := Availability(w, group, now)
	return told
}

// Availability returns what Available does, and when the next opening begins while the hours are closed (see OpenAt). That is the zero time for
// a widget whose presence is off: the hours tell nothing of when somebody is back.
func Availability(w *event.Widget, group string, now time.Time) (told string, opens time.Time) {
	if w.Presence == event.PresenceOff {
		return event.Offline, time.Time{}
	}
	open, next := OpenAt(w.Hours, now)
	switch {
	case !open:
		return event.Offline, next
	case w.Presence == event.PresenceManual:
		return event.Online, next
	}
	return group, next
}

// zoneTable keeps time zones that were parsed. Safe for concurrent use; its zero value is empty.
type zoneTable struct {
	mu     sync.RWMutex
	byName map[string]*time.Location
}

// zones is not a field of a Desk, as OpenAt needs none: it must stay a function of the hours and the time alone for all who show hours.
// Zones never change, so nobody can see that they are kept, but that reading one takes long: each page of a site asks for the hours.
var zones zoneTable

// get returns a zone, UTC for a name that is not known (it was when the hours were set). At most maxZones are kept.
func (z *zoneTable) get(name string) *time.Location {
	z.mu.RLock()
	zone := z.byName[name]
	z.mu.RUnlock()
	if zone != nil {
		return zone
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.byName == nil {
		z.byName = map[string]*time.Location{}
	}
	if len(z.byName) < maxZones {
		z.byName[name] = zone
	}
	return zone
}

// OpenAt reports whether t is within the hours, and while it is not when the next opening begins: the zero time when none does within
// MaxAhead. nil hours are always open. An opening lasts from the first instant at which a clock on the wall shows its beginning to the last
// at which it shows its end. So nobody is sent away in an hour that comes twice, and what begins in an hour that is left out begins
// after it.
func OpenAt(h *event.Hours, t time.Time) (open bool, next time.Time) {
	if h == nil {
		return true, time.Time{}
	}
	zone := zones.get(h.Timezone)
	y, m, d := t.In(zone).Date()
	last := t.Add(MaxAhead)
	for ahead := -1; ahead <= int(MaxAhead/(24*time.Hour))+1; ahead++ {
		date := time.Date(y, m, d+ahead, 0, 0, 0, 0, time.UTC)
		for _, o := range openingsOn(h, date) {
			from, _ := instants(date.Add(time.Duration(o.From)*time.Minute), zone)
			_, to := instants(date.Add(time.Duration(o.To)*time.Minute), zone)
			switch {
			case !to.After(from) || !to.After(t):
			case !from.After(t):
				return true, time.Time{}
			case !from.After(last) && (next.IsZero() || from.Before(next)):
				next = from
			}
		}
	}
	return false, next
}

// openingsOn are the openings of a date, none on a holiday.
func openingsOn(h *event.Hours, date time.Time) (out []event.Opening) {
	written := date.Format(time.DateOnly)
	if slices.ContainsFunc(h.Holidays, func(o event.Holiday) bool { return o.Date == written }) {
		return nil
	}
	for _, o := range h.Openings {
		if o.Day%7 == int(date.Weekday()) {
			out = append(out, o)
		}
	}
	return out
}

// instants returns when clocks in the zone show what wall shows in UTC, for the first and the last time. Both are the end of what is left
// out where they never do.
func instants(wall time.Time, zone *time.Location) (first, last time.Time) {
	at := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), 0, 0, zone)
	begin, end := at.ZoneBounds()
	shown := func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	}
	switch {
	case shown(at).After(wall): // time.Date went on with the offset of before
		return begin, begin
	case shown(at).Before(wall):
		return end, end
	}
	first, last = at, at
	if !begin.IsZero() {
		before := begin.Add(-time.Second)
		if other := before.Add(wall.Sub(shown(before))); other.Before(begin) && shown(other).Equal(wall) {
			first = other
		}
	}
	if !end.IsZero() {
		if other := end.Add(wall.Sub(shown(end))); !other.Before(end) && shown(other).Equal(wall) {
			last = other
		}
	}
	return first, last
}

// checkHours returns the hours as they are stored: in order, nil for always.
func checkHours(faults *fault.Collect, in event.Hours) *event.Hours {
	if in.Timezone == "" && len(in.Openings) == 0 && len(in.Holidays) == 0 {
		return nil
	}
	out := &event.Hours{Timezone: in.Timezone, Openings: slices.Clone(in.Openings), Holidays: slices.Clone(in.Holidays)}
	if _, err := time.LoadLocation(in.Timezone); err != nil || in.Timezone == "" || in.Timezone == "Local" {
		faults.Add(fault.Newf(fault.FieldInvalid, "%.60q is not a time zone; write one like Europe/Berlin", in.Timezone).At("hours.timezone"))
	}
	if len(in.Openings) > MaxOpenings {
		faults.Add(fault.Newf(fault.FieldInvalid, "a week can have %d openings", MaxOpenings).At("hours.openings"))
		return out
	}
	for i, o := range in.Openings {
		field := func(name string) string { return fmt.Sprintf("hours.openings[%d].%s", i, name) }
		if o.Day < 1 || o.Day > 7 {
			faults.Add(fault.New(fault.FieldInvalid, "day is 1 for Monday to 7 for Sunday").At(field("day")))
		}
		if o.From < 0 || o.From >= day {
			faults.Add(fault.New(fault.FieldInvalid, "write a time from 00:00 to 23:59").At(field("from")))
		}
		if o.To <= 0 || o.To > day || o.To <= o.From {
			faults.Add(fault.New(fault.FieldInvalid, "write a time after the beginning, up to 24:00; what goes on after midnight is an opening of the next day").At(field("to")))
		}
		if slices.ContainsFunc(in.Openings[:i], func(other event.Opening) bool {
			return other.Day == o.Day && other.From < o.To && o.From < other.To
		}) {
			faults.Add(fault.New(fault.FieldInvalid, "two openings overlap").At(field("from")))
		}
	}
	slices.SortFunc(out.Openings, func(a, b event.Opening) int { return (a.Day-b.Day)*2*day + a.From - b.From })
	if len(in.Holidays) > MaxHolidays {
		faults.Add(fault.Newf(fault.FieldInvalid, "there can be %d holidays", MaxHolidays).At("hours.holidays"))
		return out
	}
	for i, o := range in.Holidays {
		field := func(name string) string { return fmt.Sprintf("hours.holidays[%d].%s", i, name) }
		if at, err := time.Parse(time.DateOnly, o.Date); err != nil || at.Year() < 2000 {
			faults.Add(fault.New(fault.FieldInvalid, "write a date like 2026-12-25").At(field("date")))
		}
		if slices.ContainsFunc(in.Holidays[:i], func(other event.Holiday) bool { return other.Date == o.Date }) {
			faults.Add(fault.New(fault.FieldInvalid, "this date is listed twice").At(field("date")))
		}
		if strings.TrimSpace(o.Name) == "" {
			out.Holidays[i].Name = ""
		} else {
			out.Holidays[i].Name = oneLine(faults, field("name"), o.Name, MaxHoliday)
		}
	}
	slices.SortFunc(out.Holidays, func(a, b event.Holiday) int { return strings.Compare(a.Date, b.Date) })
	return out
}

// Clock writes minutes since midnight as people do: 09:00, up to 24:00.
func Clock(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

// ParseClock reads what Clock writes. It is -1 for anything else.
func ParseClock(s string) int {
	if len(s) != 5 || s[2] != ':' || strings.ContainsAny(s, "+-") {
		return -1
	}
	hour, err := strconv.Atoi(s[:2])
	minute, wrong := strconv.Atoi(s[3:])
	if n := hour*60 + minute; err == nil && wrong == nil && minute < 60 && n <= day {
		return n
	}
	return -1
}

// Hours are stored as lines, as goals are: the time zone, then openings, then holidays. No text in them can hold a line break.

func encodeHours(h *event.Hours) string {
	if h == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString(h.Timezone)
	for _, o := range h.Openings {
		fmt.Fprintf(&b, "\n%d %d %d", o.Day, o.From, o.To)
	}
	for _, o := range h.Holidays {
		fmt.Fprintf(&b, "\n%s %s", o.Date, o.Name)
	}
	return b.String()
}

func decodeHours(text string) (*event.Hours, error) {
	if text == "" {
		return nil, nil
	}
	zone, rest, _ := strings.Cut(text, "\n")
	h := &event.Hours{Timezone: zone}
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		first, last, ok := strings.Cut(line, " ")
		if len(first) != 1 {
			if !ok || len(first) != len(time.DateOnly) {
				return nil, fmt.Errorf("holiday %q", line)
			}
			h.Holidays = append(h.Holidays, event.Holiday{Date: first, Name: last})
			continue
		}
		from, to, _ := strings.Cut(last, " ")
		var o event.Opening
		for _, n := range []struct {
			to   *int
			text string
		}{{&o.Day, first}, {&o.From, from}, {&o.To, to}} {
			v, err := strconv.Atoi(n.text)
			if err != nil {
				return nil, fmt.Errorf("opening %q: %w", line, err)
			}
			*n.to = v
		}
		h.Openings = append(h.Openings, o)
	}
	return h, nil
}
