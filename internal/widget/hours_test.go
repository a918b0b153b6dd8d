package widget

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/team"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	out, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestOpenAt(t *testing.T) {
	office := event.Hours{Timezone: "Europe/Berlin", Openings: []event.Opening{{Day: 1, From: 540, To: 720}, {Day: 1, From: 780, To: 1020}, {Day: 2, From: 540, To: 1020}, {Day: 5, From: 540, To: 1440}, {Day: 6, From: 0, To: 120}, {Day: 7, From: 600, To: 601}},
		Holidays: []event.Holiday{{Date: "2026-12-25", Name: "Christmas"}}}
	night := func(day, from, to int) event.Hours {
		return event.Hours{Timezone: "Europe/Berlin", Openings: []event.Opening{{Day: day, From: from, To: to}}}
	}
	for _, row := range []struct {
		name  string
		hours event.Hours
		at    string
		open  bool
		next  string
	}{
		{"before the beginning", office, "2026-11-23T08:59:59+01:00", false, "2026-11-23T09:00:00+01:00"},
		{"at the beginning", office, "2026-11-23T09:00:00+01:00", true, ""},
		{"written in another zone", office, "2026-11-23T08:00:00Z", true, ""},
		{"the last moment", office, "2026-11-23T11:59:59+01:00", true, ""},
		{"in the break", office, "2026-11-23T12:00:00+01:00", false, "2026-11-23T13:00:00+01:00"},
		{"after the last of the day", office, "2026-11-24T17:00:00+01:00", false, "2026-11-27T09:00:00+01:00"},
		{"until midnight", office, "2026-11-27T23:59:59+01:00", true, ""},
		{"over midnight", office, "2026-11-28T00:00:00+01:00", true, ""},
		{"sunday is seven", office, "2026-11-22T20:00:00+01:00", false, "2026-11-23T09:00:00+01:00"},
		{"a minute long", office, "2026-11-22T10:00:30+01:00", true, ""},
		{"a holiday", office, "2026-12-25T10:00:00+01:00", false, "2026-12-26T00:00:00+01:00"},
		{"nothing within 14 days", event.Hours{Timezone: "UTC", Openings: []event.Opening{{Day: 1, From: 0, To: 60}}, Holidays: []event.Holiday{{Date: "2026-11-30"}}}, "2026-11-23T01:00:00Z", false, "2026-12-07T00:00:00Z"},
		{"nothing within 14 days, one more holiday", event.Hours{Timezone: "UTC", Openings: []event.Opening{{Day: 1, From: 0, To: 60}}, Holidays: []event.Holiday{{Date: "2026-11-30"}, {Date: "2026-12-07"}}}, "2026-11-23T01:00:00Z", false, ""},
		{"never", event.Hours{Timezone: "UTC"}, "2026-11-23T01:00:00Z", false, ""},
		{"far from UTC", event.Hours{Timezone: "Pacific/Kiritimati", Openings: []event.Opening{{Day: 2, From: 0, To: 60}}}, "2026-11-23T10:30:00Z", true, ""},

		// Clocks go from 02:00 to 03:00 in Berlin on 2026-03-29, from 03:00 to 02:00 on 2026-10-25; both are Sundays.
		{"the night that is shorter, before", night(7, 60, 240), "2026-03-29T00:59:00+01:00", false, "2026-03-29T01:00:00+01:00"},
		{"the night that is shorter, in it", night(7, 60, 240), "2026-03-29T03:30:00+02:00", true, ""},
		{"a beginning that is left out", night(7, 150, 240), "2026-03-29T01:59:00+01:00", false, "2026-03-29T03:00:00+02:00"},
		{"a beginning that is left out, after", night(7, 150, 240), "2026-03-29T03:00:00+02:00", true, ""},
		{"an end that is left out", night(7, 60, 150), "2026-03-29T01:59:59+01:00", true, ""},
		{"an end that is left out, after", night(7, 60, 150), "2026-03-29T03:00:00+02:00", false, "2026-04-05T01:00:00+02:00"},
		{"an opening that is left out", night(7, 125, 175), "2026-03-29T01:00:00+01:00", false, "2026-04-05T02:05:00+02:00"},
		{"a beginning that comes twice, the first time", night(7, 150, 240), "2026-10-25T02:29:00+02:00", false, "2026-10-25T02:30:00+02:00"},
		{"a beginning that comes twice, between", night(7, 150, 240), "2026-10-25T02:10:00+01:00", true, ""},
		{"an end that comes twice, between", night(7, 60, 150), "2026-10-25T02:45:00+02:00", true, ""},
		{"an end that comes twice, the second time", night(7, 60, 150), "2026-10-25T02:30:00+01:00", false, "2026-11-01T01:00:00+01:00"},
		{"the day before the clocks go", night(1, 540, 1020), "2026-03-28T12:00:00+01:00", false, "2026-03-30T09:00:00+02:00"},
		{"the other side of the ocean", event.Hours{Timezone: "America/New_York", Openings: []event.Opening{{Day: 7, From: 90, To: 150}}}, "2026-11-01T01:10:00-05:00", true, ""},
		{"the other side of the ocean, left out", event.Hours{Timezone: "America/New_York", Openings: []event.Opening{{Day: 7, From: 150, To: 240}}}, "2026-03-08T01:59:00-05:00", false, "2026-03-08T03:00:00-04:00"},
		{"a midnight that is left out", event.Hours{Timezone: "Africa/Cairo", Openings: []event.Opening{{Day: 5, From: 0, To: 180}}}, "2026-04-23T23:59:00+02:00", false, "2026-04-24T01:00:00+03:00"},
		{"a day that was left out", event.Hours{Timezone: "Pacific/Apia", Openings: []event.Opening{{Day: 5, From: 540, To: 1020}}}, "2011-12-29T12:00:00-10:00", false, "2012-01-06T09:00:00+14:00"},
	} {
		open, next := OpenAt(&row.hours, at(t, row.at))
		want := time.Time{}
		if row.next != "" {
			want = at(t, row.next)
		}
		if open != row.open || !next.Equal(want) {
			t.Errorf("%s: %v, %v; want %v, %s", row.name, open, next, row.open, row.next)
		}
	}
	if open, next := OpenAt(nil, time.Now()); !open || !next.IsZero() {
		t.Error("nil is not always")
	}
}

// What a clock on the wall shows decides in every zone, but around a change of the clocks; and what OpenAt says is next comes true.
func TestOpenAtHoldsInEveryZone(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "America/Havana", "America/St_Johns", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu", "Pacific/Apia", "Pacific/Kiritimati", "Antarctica/Troll", "Asia/Beirut"}
	rapid.Check(t, func(rt *rapid.T) {
		h := &event.Hours{Timezone: rapid.SampledFrom(zones).Draw(rt, "zone")}
		for range rapid.IntRange(0, 6).Draw(rt, "openings") {
			o := event.Opening{Day: rapid.IntRange(1, 7).Draw(rt, "day"), From: rapid.IntRange(0, day-1).Draw(rt, "from")}
			o.To = rapid.IntRange(o.From+1, day).Draw(rt, "to")
			h.Openings = append(h.Openings, o)
		}
		zone, err := time.LoadLocation(h.Timezone)
		if err != nil {
			rt.Fatal(err)
		}
		now := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(rt, "now"), 0)
		open, next := OpenAt(h, now)
		wall := now.In(zone)
		minute, shown := wall.Hour()*60+wall.Minute(), false
		for _, o := range h.Openings {
			shown = shown || o.Day%7 == int(wall.Weekday()) && o.From <= minute && minute < o.To
		}
		_, before := now.Add(-3 * time.Hour).In(zone).Zone()
		_, after := now.Add(3 * time.Hour).In(zone).Zone()
		if before == after && open != shown {
			rt.Fatalf("%v at %v: open %v", h, wall, open)
		}
		switch {
		case next.IsZero():
		case open || !next.After(now) || next.Sub(now) > MaxAhead:
			rt.Fatalf("%v at %v: open %v, next %v", h, wall, open, next)
		default:
			if open, _ := OpenAt(h, next); !open {
				rt.Fatalf("%v: not open at %v, which is next after %v", h, next.In(zone), wall)
			}
			if open, again := OpenAt(h, next.Add(-time.Second)); open || !again.Equal(next) {
				rt.Fatalf("%v: something opens before %v, which is next after %v", h, next.In(zone), wall)
			}
		}
	})
}

func TestZonesAreReadOnce(t *testing.T) {
	var z zoneTable
	first := z.get("Europe/Berlin")
	if first.String() != "Europe/Berlin" || z.get("Europe/Berlin") != first {
		t.Errorf("%s is read again", first)
	}
	if z.get("Nowhere/City") != time.UTC || len(z.byName) != 1 {
		t.Errorf("%d zones are kept", len(z.byName))
	}
	for n := range 2 * maxZones {
		if len(z.byName) < maxZones {
			z.byName[strings.Repeat("x", n+1)] = time.UTC
		}
	}
	if z.get("Asia/Tokyo").String() != "Asia/Tokyo" || len(z.byName) != maxZones {
		t.Errorf("%d zones are kept", len(z.byName))
	}
	OpenAt(&event.Hours{Timezone: "Pacific/Chatham"}, at(t, "2026-11-22T10:00:00Z"))
	if zones.byName["Pacific/Chatham"] == nil {
		t.Error("OpenAt does not keep its zone")
	}
}

func TestAvailable(t *testing.T) {
	monday := &event.Hours{Timezone: "UTC", Openings: []event.Opening{{Day: 1, From: 540, To: 1020}}}
	within, without := at(t, "2026-11-23T10:00:00Z"), at(t, "2026-11-23T18:00:00Z")
	for _, row := range []struct {
		presence string
		hours    *event.Hours
		group    string
		at       time.Time
		want     string
	}{
		{event.PresenceAuto, nil, event.Online, without, event.Online},
		{event.PresenceAuto, nil, event.Away, without, event.Away},
		{event.PresenceAuto, nil, event.Offline, without, event.Offline},
		{event.PresenceAuto, monday, event.Online, within, event.Online},
		{event.PresenceAuto, monday, event.Away, within, event.Away},
		{event.PresenceAuto, monday, event.Offline, within, event.Offline},
		{event.PresenceAuto, monday, event.Online, without, event.Offline},
		{event.PresenceOff, nil, event.Online, within, event.Offline},
		{event.PresenceOff, monday, event.Online, within, event.Offline},
		{event.PresenceManual, nil, event.Offline, without, event.Online},
		{event.PresenceManual, monday, event.Away, within, event.Online},
		{event.PresenceManual, monday, event.Online, without, event.Offline},
	} {
		if got := Available(&event.Widget{Presence: row.presence, Hours: row.hours}, row.group, row.at); got != row.want {
			t.Errorf("%+v: %s", row, got)
		}
	}
}

func TestHoursAreChecked(t *testing.T) {
	week := func(o ...event.Opening) event.Hours { return event.Hours{Timezone: "Europe/Berlin", Openings: o} }
	holidays := func(o ...event.Holiday) event.Hours {
		return event.Hours{Timezone: "Europe/Berlin", Holidays: o}
	}
	for name, row := range map[string]struct {
		in     event.Hours
		fields string
	}{
		"a zone that nobody knows":      {event.Hours{Timezone: "Europe/Atlantis"}, "hours.timezone"},
		"the machine's own zone":        {event.Hours{Timezone: "Local"}, "hours.timezone"},
		"a path":                        {event.Hours{Timezone: "../../etc/passwd"}, "hours.timezone"},
		"a line break":                  {event.Hours{Timezone: "UTC\n"}, "hours.timezone"},
		"no zone":                       {event.Hours{Openings: []event.Opening{{Day: 1, From: 0, To: 1}}}, "hours.timezone"},
		"no day":                        {week(event.Opening{Day: 0, From: 0, To: 1}), "hours.openings[0].day"},
		"an eighth day":                 {week(event.Opening{Day: 8, From: 0, To: 1}), "hours.openings[0].day"},
		"from nothing":                  {week(event.Opening{Day: 1, From: -1, To: 1}), "hours.openings[0].from"},
		"from midnight to midnight":     {week(event.Opening{Day: 1, From: 0, To: 1440}), ""},
		"over midnight":                 {week(event.Opening{Day: 1, From: 1200, To: 60}), "hours.openings[0].to"},
		"no time":                       {week(event.Opening{Day: 1, From: 60, To: 60}), "hours.openings[0].to"},
		"too late":                      {week(event.Opening{Day: 1, From: 60, To: 1441}), "hours.openings[0].to"},
		"next to each other":            {week(event.Opening{Day: 1, From: 60, To: 70}, event.Opening{Day: 1, From: 50, To: 60}), ""},
		"an overlap":                    {week(event.Opening{Day: 1, From: 60, To: 70}, event.Opening{Day: 2, From: 60, To: 70}, event.Opening{Day: 1, From: 50, To: 61}), "hours.openings[2].from"},
		"too many":                      {week(make([]event.Opening, MaxOpenings+1)...), "hours.openings"},
		"no date":                       {holidays(event.Holiday{Date: "25.12.2026"}), "hours.holidays[0].date"},
		"a date that there is not":      {holidays(event.Holiday{Date: "2026-02-29"}), "hours.holidays[0].date"},
		"a date twice":                  {holidays(event.Holiday{Date: "2026-02-28", Name: "a"}, event.Holiday{Date: "2026-02-28"}), "hours.holidays[1].date"},
		"a holiday's name in two lines": {holidays(event.Holiday{Date: "2026-02-28", Name: "a\nb"}), "hours.holidays[0].name"},
		"a holiday's name too long":     {holidays(event.Holiday{Date: "2026-02-28", Name: strings.Repeat("x", MaxHoliday+1)}), "hours.holidays[0].name"},
		"too many holidays":             {holidays(make([]event.Holiday, MaxHolidays+1)...), "hours.holidays"},
		"nobody ever":                   {event.Hours{Timezone: "UTC"}, ""},
	} {
		var w event.Widget
		err := Change{Hours: &row.in}.apply(&w)
		var fields []string
		if err != nil {
			for _, e := range append([]*fault.Error{fault.As(err)}, fault.As(err).Others...) {
				fields = append(fields, e.Field)
			}
		}
		if got := strings.Join(fields, " "); got != row.fields {
			t.Errorf("%s: %q, want %q", name, got, row.fields)
		}
	}
}

func TestClock(t *testing.T) {
	for n := range day + 1 {
		if got := ParseClock(Clock(n)); got != n {
			t.Fatalf("%d is %s is %d", n, Clock(n), got)
		}
	}
	for _, s := range []string{"", "9:00", "09:00:00", "24:01", "25:00", "09:60", "-9:00", "+9:00", "09:-1", "ab:cd", "09.00", "99:99", "٠٩:٠٠"} {
		if n := ParseClock(s); n != -1 {
			t.Errorf("%q is %d", s, n)
		}
	}
}

func FuzzParseClock(f *testing.F) {
	for _, s := range []string{"09:00", "24:00", "24:01", "-1:00", "1_:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n := ParseClock(s); n != -1 && (n < 0 || n > day || Clock(n) != s) {
			t.Errorf("%q is %d", s, n)
		}
	})
}

// Whatever hours are taken come back from the database as they were stored.
func FuzzHours(f *testing.F) {
	f.Add("Europe/Berlin", 1, 540, 1020, "2026-12-25", "Christmas")
	f.Add("UTC", 7, 0, 1440, "2026-01-01", "a  b ")
	f.Add("\n", 0, -1, 1, "2026-1-1", "\u2028")
	f.Fuzz(func(t *testing.T, zone string, day, from, to int, date, name string) {
		var w event.Widget
		in := event.Hours{Timezone: zone, Openings: []event.Opening{{Day: day, From: from, To: to}}, Holidays: []event.Holiday{{Date: date, Name: name}}}
		if (Change{Hours: &in}).apply(&w) != nil {
			return
		}
		back, err := decodeHours(encodeHours(w.Hours))
		if d := cmp.Diff(w.Hours, back); err != nil || d != "" {
			t.Errorf("%v (-stored +read):\n%s", err, d)
		}
		before := *w.Hours
		if err := (Change{Hours: &before}).apply(&w); err != nil || !cmp.Equal(&before, w.Hours) {
			t.Errorf("%+v is refused or changed when it is sent back: %v", before, err)
		}
		OpenAt(w.Hours, time.Unix(1_800_000_000, 0))
	})
}

func FuzzDecodeHours(f *testing.F) {
	for _, s := range []string{"UTC", "UTC\n1 2 3\n2026-01-01 New Year", "UTC\n1 2", "UTC\n\n", "\n1 x 3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := decodeHours(s)
		if err != nil || h == nil {
			return
		}
		if again, err := decodeHours(encodeHours(h)); h.Timezone != "" && (err != nil || !cmp.Equal(h, again)) {
			t.Errorf("%q is %+v, then %+v: %v", s, h, again, err)
		}
	})
}

func TestSetPresence(t *testing.T) {
	each(t, "everybody who may write may set it, and nothing else", func(t *testing.T, h *house) {
		w := h.make(t)
		ben := team.Actor{Operator: 2, Name: "Ben", Scope: team.ScopeWrite}
		key := once.Key{Scope: "s", Value: "k", Request: "r"}
		for range 2 {
			if got, err := h.desk.SetPresence(t.Context(), ben, key, w.ID, event.PresenceOff); err != nil || got.Presence != event.PresenceOff {
				t.Fatal(got, err)
			}
		}
		if e := h.told(t, 1)[0]; e.Widget.Presence != event.PresenceOff || e.By.Name != "Ben" {
			t.Errorf("%+v", e)
		}
		if _, err := h.desk.SetPresence(t.Context(), ben, once.Key{}, w.ID, event.PresenceOff); err != nil {
			t.Error(err)
		}
		h.told(t, 0)
		if _, err := h.desk.SetPresence(t.Context(), ben, once.Key{}, w.ID, "on"); !fault.Is(err, fault.FieldInvalid) || fault.As(err).Field != "presence" {
			t.Error(err)
		}
		if _, err := h.desk.SetPresence(t.Context(), ben, once.Key{}, id.Widget(4711), event.PresenceAuto); !fault.Is(err, fault.WidgetNotFound) {
			t.Error(err)
		}
		if _, err := h.desk.SetPresence(t.Context(), team.Actor{Token: 1, Scope: team.ScopeRead}, once.Key{}, w.ID, event.PresenceAuto); !fault.Is(err, fault.AuthScope) {
			t.Error(err)
		}
		if _, err := h.desk.Update(t.Context(), ben, once.Key{}, w.ID, Change{Presence: new(event.PresenceAuto)}); !fault.Is(err, fault.AuthDenied) {
			t.Error(err)
		}
	})
}
