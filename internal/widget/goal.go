package widget

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
)

// Limits of a survey and of goals.
const (
	MaxQuestion = 200 // characters
	MaxOptions  = 10
	MaxOption   = 100 // characters
	MaxGoals    = 50
	MaxGoalName = 80  // characters
	MaxPattern  = 500 // characters
)

var scriptKeyForm = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,100}$`)

// PageGoals returns the goals that somebody reaches by looking at this page (S-109); page is an absolute address as browsers
// report it. An exact goal is held against the whole address; what the pattern leaves out at the end, the fragment or the query
// and the fragment, does not count. A pattern that begins with "/" stands for every site.
func PageGoals(w *event.Widget, page string) []event.Goal {
	if len(w.Goals) == 0 || page == "" {
		return nil
	}
	page = asBrowsers(page)
	path := page
	if _, rest, ok := strings.Cut(page, "://"); ok {
		path = "/"
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			path = rest[i:]
		}
	}
	var out []event.Goal
	for _, g := range w.Goals {
		pattern, at := asBrowsers(g.Pattern), page
		if strings.HasPrefix(pattern, "/") {
			at = path
		}
		reached := false
		switch g.Match {
		case event.GoalExact:
			reached = at == pattern || !strings.Contains(pattern, "#") && cutAt(at, "#") == pattern || !strings.ContainsAny(pattern, "?#") && cutAt(at, "?#") == pattern
		case event.GoalPrefix:
			reached = strings.HasPrefix(at, pattern)
		case event.GoalContains:
			reached = strings.Contains(page, pattern)
		}
		if reached {
			out = append(out, g)
		}
	}
	return out
}

// ScriptGoal returns the goal that a page's script reports under this key.
func ScriptGoal(w *event.Widget, key string) (event.Goal, bool) {
	for _, g := range w.Goals {
		if g.Match == event.GoalScript && g.Pattern == key {
			return g, true
		}
	}
	return event.Goal{}, false
}

func cutAt(s, chars string) string {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i]
	}
	return s
}

// asBrowsers writes letters beyond ASCII and blanks as browsers do in addresses, so that somebody may type /danke-schön.
func asBrowsers(s string) string {
	plain := true
	for i := range len(s) {
		plain = plain && s[i] > ' ' && s[i] < utf8.RuneSelf
	}
	if plain {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c > ' ' && c < utf8.RuneSelf {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// oneLine trims the text of a field and collects what is wrong with it.
func oneLine(faults *fault.Collect, field, text string, max int) string {
	v := strings.TrimSpace(text)
	switch {
	case !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }):
		faults.Add(fault.Newf(fault.TextInvalid, "%s holds control characters or is not UTF-8", field).At(field))
	case v == "":
		faults.Add(fault.Newf(fault.FieldRequired, "%s is missing", field).At(field))
	case utf8.RuneCountInString(v) > max:
		faults.Add(fault.Newf(fault.TextTooLong, "%s is longer than %d characters", field, max).At(field))
	}
	return v
}

// checkSurvey returns the survey as it is stored; an empty one means none.
func checkSurvey(faults *fault.Collect, in event.SurveyForm) *event.SurveyForm {
	if strings.TrimSpace(in.Question) == "" && len(in.Options) == 0 {
		return nil
	}
	out := &event.SurveyForm{Question: oneLine(faults, "survey.question", in.Question, MaxQuestion)}
	if len(in.Options) == 0 || len(in.Options) > MaxOptions {
		faults.Add(fault.Newf(fault.FieldInvalid, "a survey has 1 to %d options", MaxOptions).At("survey.options"))
		return out
	}
	for i, o := range in.Options {
		field := fmt.Sprintf("survey.options[%d]", i)
		v := oneLine(faults, field, o, MaxOption)
		if slices.ContainsFunc(out.Options, func(other string) bool { return v != "" && strings.EqualFold(other, v) }) {
			faults.Add(fault.New(fault.FieldInvalid, "two options are the same").At(field))
		}
		out.Options = append(out.Options, v)
	}
	return out
}

// checkGoals returns the goals as they are stored, those that are new without an id. A goal that comes without its id but is
// otherwise one of before is that one, so that saving the same list again changes nothing.
func checkGoals(faults *fault.Collect, before, in []event.Goal) []event.Goal {
	if len(in) > MaxGoals {
		faults.Add(fault.Newf(fault.FieldInvalid, "a widget can have %d goals", MaxGoals).At("goals"))
		return before
	}
	var out []event.Goal
	taken := map[id.Goal]bool{}
	for i, g := range in {
		field := func(name string) string { return fmt.Sprintf("goals[%d].%s", i, name) }
		g.Name = oneLine(faults, field("name"), g.Name, MaxGoalName)
		g.Pattern = oneLine(faults, field("pattern"), g.Pattern, MaxPattern)
		switch g.Match {
		case event.GoalExact, event.GoalPrefix:
			v, ok := normalPattern(g.Pattern)
			if !ok && g.Pattern != "" {
				faults.Add(fault.New(fault.FieldInvalid, "write a whole address like https://shop.example/thanks, or a path like /thanks").At(field("pattern")))
			}
			g.Pattern = v
		case event.GoalContains:
		case event.GoalScript:
			if g.Pattern != "" && !scriptKeyForm.MatchString(g.Pattern) {
				faults.Add(fault.New(fault.FieldInvalid, "the key of a goal is up to 100 letters, digits, dots, colons, dashes and underscores").At(field("pattern")))
			}
		default:
			faults.Add(fault.New(fault.FieldInvalid, "match must be one of exact, prefix, contains, script").At(field("match")))
		}
		if g.ID != 0 && (taken[g.ID] || !slices.ContainsFunc(before, func(b event.Goal) bool { return b.ID == g.ID })) {
			faults.Add(fault.Newf(fault.FieldInvalid, "the widget has no goal %d, or it is listed twice; leave the id out for a new one", g.ID).At(field("id")))
		}
		if slices.ContainsFunc(out, func(o event.Goal) bool { return o.Match == g.Match && o.Pattern == g.Pattern }) {
			faults.Add(fault.New(fault.FieldInvalid, "another goal is reached by the same").At(field("pattern")))
		}
		taken[g.ID] = true
		out = append(out, g)
	}
	for i, g := range out {
		if g.ID != 0 {
			continue
		}
		for _, b := range before {
			if !taken[b.ID] && b.Name == g.Name && b.Match == g.Match && b.Pattern == g.Pattern {
				out[i].ID, taken[b.ID] = b.ID, true
				break
			}
		}
	}
	return out
}

// normalPattern returns an address or path with scheme and host in small letters, as browsers report them.
func normalPattern(raw string) (string, bool) {
	if strings.HasPrefix(raw, "/") && !strings.HasPrefix(raw, "//") {
		return raw, true
	}
	scheme, rest, ok := strings.Cut(raw, "://")
	scheme = strings.ToLower(scheme)
	if !ok || scheme != "http" && scheme != "https" {
		return raw, false
	}
	host, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host, tail = rest[:i], rest[i:]
	}
	host = strings.ToLower(host)
	u, err := url.Parse(scheme + "://" + host)
	if err != nil || u.Host == "" || u.User != nil || strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r >= utf8.RuneSelf }) {
		return raw, false
	}
	if tail == "" {
		tail = "/" // as browsers write the first page of a site
	}
	return scheme + "://" + host + tail, true
}
