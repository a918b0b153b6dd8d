package rest

// availability sets when somebody is there, and what happens when nobody is.
func (b *bench) availability() {
	b.Helper()
	b.do("read", "GET", "/widgets/1", nil).is(200).has("presence", "auto", "hours", "<nil>", "open_now", "true", "opens_at", "<nil>", "offline_form", "false", "unanswered_seconds", "120",
		"transcript_hook", "", "show_visitors", "false")
	hours := object{"timezone": "Europe/Berlin", "openings": []object{{"day": 5, "from": "09:00", "to": "24:00"}, {"day": 1, "from": "09:00", "to": "12:30"}}, "holidays": []object{{"date": "2026-12-25", "name": "Christmas"}}}
	b.do("admin", "PATCH", "/widgets/1", object{"hours": hours, "offline_form": true, "unanswered_seconds": 0, "transcript_hook": "review", "show_visitors": true}).is(200).
		has("hours.timezone", "Europe/Berlin", "hours.openings", "2 items", "hours.openings.0.day", "1", "hours.openings.0.from", "09:00", "hours.openings.0.to", "12:30", "hours.openings.1.to", "24:00",
			"hours.holidays.0.date", "2026-12-25", "offline_form", "true", "unanswered_seconds", "0", "transcript_hook", "review", "show_visitors", "true")
	closed := object{"timezone": "UTC", "openings": []object{}, "holidays": []object{}}
	b.do("admin", "PATCH", "/widgets/1", object{"hours": closed}).is(200).has("open_now", "false", "opens_at", "<nil>", "hours.openings", "0 items", "hours.holidays", "0 items")
	with := func(change object) object {
		out := object{"timezone": "UTC", "openings": []object{}, "holidays": []object{}}
		for k, v := range change {
			out[k] = v
		}
		return object{"hours": out}
	}
	for _, row := range []struct {
		body        object
		code, field string
	}{
		{with(object{"timezone": "Atlantis"}), "field.invalid", "hours.timezone"},
		{with(object{"timezone": ""}), "field.invalid", "hours.timezone"},
		{with(object{"openings": []object{{"day": 8, "from": "09:00", "to": "10:00"}}}), "field.invalid", "hours.openings[0].day"},
		{with(object{"openings": []object{{"day": 1, "from": "9:00", "to": "10:00"}}}), "field.invalid", "hours.openings[0].from"},
		{with(object{"openings": []object{{"day": 1, "from": "09:00", "to": "24:01"}}}), "field.invalid", "hours.openings[0].to"},
		{with(object{"holidays": []object{{"date": "Christmas", "name": ""}}}), "field.invalid", "hours.holidays[0].date"},
		{object{"presence": "on"}, "field.invalid", "presence"},
		{object{"transcript_hook": "always"}, "field.invalid", "transcript_hook"},
		{object{"unanswered_seconds": 9}, "field.invalid", "unanswered_seconds"},
	} {
		b.do("admin", "PATCH", "/widgets/1", row.body).is(422, row.code, row.field)
	}
	b.do("admin", "PATCH", "/widgets/1", object{"hours": nil, "unanswered_seconds": 86400}).is(200).has("hours", "<nil>", "open_now", "true", "unanswered_seconds", "86400")

	b.do("session:operator", "POST", "/widgets/1/presence", object{"presence": "off"}).is(200).has("presence", "off", "open_now", "true")
	b.do("write", "POST", "/widgets/1/presence", object{"presence": "manual"}).is(200).has("presence", "manual")
	b.do("write", "POST", "/widgets/1/presence", object{"presence": "on"}).is(422, "field.invalid", "presence")
	b.do("write", "POST", "/widgets/1/presence", object{}).is(422)
	b.do("write", "POST", "/widgets/1/presence", object{"presence": "auto"}).is(200).has("presence", "auto")
	b.do("admin", "PATCH", "/widgets/1", object{"offline_form": false, "unanswered_seconds": 120, "transcript_hook": "", "show_visitors": false}).is(200)
}
