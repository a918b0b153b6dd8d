package rest

import (
	"bytes"
	"encoding/json"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/widget"
)

// widgetObject is a widget. Its name in the API's document is Widget.
type widgetObject struct {
	ID                    int64         `json:"id" example:"1"`
	Key                   string        `json:"key" doc:"The public key that stands in the snippet." example:"w_Zm9vYmFyYmF6cXV4"`
	Name                  string        `json:"name" example:"Demo shop"`
	Lang                  string        `json:"lang" enum:"en,de"`
	GroupID               *int64        `json:"group_id" doc:"Whose operators answer; null means all." example:"1"`
	Domains               []string      `json:"domains" nullable:"false" doc:"Sites that may show the widget; none means every site." example:"[\"shop.example\"]"`
	Color                 string        `json:"color" example:"#4f46e5"`
	Position              string        `json:"position" enum:"right,left"`
	Title                 string        `json:"title" example:"Chat with us"`
	Subtitle              string        `json:"subtitle" example:""`
	Greeting              string        `json:"greeting" example:"Hi! How can we help?"`
	Theme                 string        `json:"theme" enum:"auto,light,dark"`
	SessionTimeoutSeconds int           `json:"session_timeout_seconds" doc:"A session ends after this time without a message." example:"1800"`
	IdentityRequired      bool          `json:"identity_required" doc:"Only visitors with a signed identity may write."`
	HasIdentitySecret     bool          `json:"has_identity_secret"`
	PrivacyMode           bool          `json:"privacy_mode" doc:"Addresses and places of visitors are not stored."`
	RatingForm            string        `json:"rating_form" enum:",stars,thumbs" doc:"How visitors rate a conversation that has ended; empty means not at all." example:"stars"`
	AskFeedback           bool          `json:"ask_feedback" doc:"Visitors may write what they think when a conversation has ended." example:"true"`
	Survey                *widgetSurvey `json:"survey" doc:"What visitors are asked when a conversation was set to ended."`
	Goals                 []widgetGoal  `json:"goals" nullable:"false" doc:"What visitors may reach on the site while a session is open."`
	Presence              string        `json:"presence" enum:"auto,off,manual" doc:"auto: somebody is there within the hours while an operator of the group is online; off: nobody is; manual: somebody is within the hours, whatever operators show." example:"auto"`
	Hours                 *widgetHours  `json:"hours" doc:"When somebody is there at all; null means always."`
	OpenNow               bool          `json:"open_now" doc:"Whether it is within the hours now." example:"true"`
	OpensAt               *string       `json:"opens_at" format:"date-time" doc:"When the hours begin next, if they do within 14 days; null while it is within them." example:"2026-11-23T08:00:00.000000Z"`
	OfflineForm           bool          `json:"offline_form" doc:"While nobody is there, visitors get a form for a message instead of the chat."`
	UnansweredSeconds     int           `json:"unanswered_seconds" doc:"How long a contact's message may wait for an operator before the alarm; 0 means no alarm." example:"120"`
	TranscriptHook        string        `json:"transcript_hook" enum:",end,review" doc:"When the transcript goes to the widget's webhook by itself: never, at the end, or after the rating, 10 minutes after the end at the latest." example:"end"`
	ShowVisitors          bool          `json:"show_visitors" doc:"Operators see who is on the site. Ignored in privacy mode."`
	Active                bool          `json:"active"`
	CreatedAt             string        `json:"created_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	UpdatedAt             string        `json:"updated_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	Snippet               string        `json:"snippet" doc:"The HTML for the site's pages."`
}

// widgetSurvey is a question with the options that visitors choose from. Its name in the API's document is WidgetSurvey.
type widgetSurvey struct {
	Question string   `json:"question" example:"Did we solve it?"`
	Options  []string `json:"options" nullable:"false" example:"[\"Yes\",\"No\"]"`
}

// widgetGoal is something that a visitor may reach. Its name in the API's document is WidgetGoal.
type widgetGoal struct {
	ID      int64  `json:"id" example:"1"`
	Name    string `json:"name" example:"Order placed"`
	Match   string `json:"match" enum:"exact,prefix,contains,script" doc:"How pattern is held against the address of a page; script: the page's script reports it, pattern is the key." example:"prefix"`
	Pattern string `json:"pattern" example:"https://shop.example/thanks"`
}

// widgetHours are the times at which somebody answers. Their name in the API's document is WidgetHours.
type widgetHours struct {
	Timezone string          `json:"timezone" minLength:"1" maxLength:"60" doc:"The IANA name of the time zone that the times are meant in." example:"Europe/Berlin"`
	Openings []widgetOpening `json:"openings" nullable:"false" maxItems:"70" doc:"They may not overlap; none means closed."`
	Holidays []widgetHoliday `json:"holidays" nullable:"false" maxItems:"200" doc:"Closed all day."`
}

// widgetOpening is a time of a day of the week. Its name in the API's document is WidgetOpening.
type widgetOpening struct {
	Day  int    `json:"day" minimum:"1" maximum:"7" doc:"1 is Monday, 7 is Sunday." example:"1"`
	From string `json:"from" doc:"From 00:00 to 23:59." example:"09:00"`
	To   string `json:"to" doc:"Up to 24:00." example:"17:00"`
}

// widgetHoliday is a day on which nobody answers. Its name in the API's document is WidgetHoliday.
type widgetHoliday struct {
	Date string `json:"date" format:"date" example:"2026-12-25"`
	Name string `json:"name" example:"Christmas"`
}

func wireHours(h *event.Hours) *widgetHours {
	if h == nil {
		return nil
	}
	return &widgetHours{
		Timezone: h.Timezone,
		Openings: wireList(h.Openings, func(o event.Opening) widgetOpening {
			return widgetOpening{o.Day, widget.Clock(o.From), widget.Clock(o.To)}
		}),
		Holidays: wireList(h.Holidays, func(o event.Holiday) widgetHoliday { return widgetHoliday{o.Date, o.Name} }),
	}
}

func wireSurvey(s *event.SurveyForm) *widgetSurvey {
	if s == nil {
		return nil
	}
	return &widgetSurvey{s.Question, s.Options}
}

func wireGoal(g event.Goal) widgetGoal { return widgetGoal{wireID(g.ID), g.Name, g.Match, g.Pattern} }

func wireWidget(w *event.Widget, publicURL string, now time.Time) widgetObject {
	open, next := widget.OpenAt(w.Hours, now)
	domains := w.Domains
	if domains == nil {
		domains = []string{}
	}
	return widgetObject{
		ID:                    wireID(w.ID),
		Key:                   w.Key,
		Name:                  w.Name,
		Lang:                  w.Lang,
		GroupID:               wireIDOrNull(w.GroupID),
		Domains:               domains,
		Color:                 w.Color,
		Position:              w.Position,
		Title:                 w.Title,
		Subtitle:              w.Subtitle,
		Greeting:              w.Greeting,
		Theme:                 w.Theme,
		SessionTimeoutSeconds: w.SessionTimeoutSeconds,
		IdentityRequired:      w.IdentityRequired,
		HasIdentitySecret:     w.HasIdentitySecret,
		PrivacyMode:           w.PrivacyMode,
		RatingForm:            w.RatingForm,
		AskFeedback:           w.AskFeedback,
		Survey:                wireSurvey(w.Survey),
		Goals:                 wireList(w.Goals, wireGoal),
		Presence:              w.Presence,
		Hours:                 wireHours(w.Hours),
		OpenNow:               open,
		OpensAt:               wireTimeOrNull(next),
		OfflineForm:           w.OfflineForm,
		UnansweredSeconds:     w.UnansweredSeconds,
		TranscriptHook:        w.TranscriptHook,
		ShowVisitors:          w.ShowVisitors,
		Active:                w.Active,
		CreatedAt:             wireTime(w.CreatedAt),
		UpdatedAt:             wireTime(w.UpdatedAt),
		Snippet:               widget.Snippet(publicURL, w.Key),
	}
}

type widgetList struct {
	Items []widgetObject `json:"items" nullable:"false"`
}

// optionalID tells an absent id from null.
type optionalID struct {
	given bool
	id    int64
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *optionalID) UnmarshalJSON(b []byte) error {
	o.given, o.id = true, 0
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	return json.Unmarshal(b, &o.id)
}

// Schema implements huma.SchemaProvider.
func (optionalID) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeInteger, Format: "int64", Nullable: true}
}

// optionalSurvey tells an absent survey from null.
type optionalSurvey struct {
	given bool
	widgetSurvey
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *optionalSurvey) UnmarshalJSON(b []byte) error {
	o.given, o.widgetSurvey = true, widgetSurvey{}
	return json.Unmarshal(b, &o.widgetSurvey)
}

// Schema implements huma.SchemaProvider.
func (optionalSurvey) Schema(r huma.Registry) *huma.Schema {
	of := *huma.SchemaFromType(r, reflect.TypeFor[widgetSurvey]())
	of.Nullable = true
	return &of
}

func (o optionalSurvey) form() *event.SurveyForm {
	if !o.given {
		return nil
	}
	return &event.SurveyForm{Question: o.Question, Options: o.Options}
}

// optionalHours tells absent hours from null.
type optionalHours struct {
	given bool
	widgetHours
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *optionalHours) UnmarshalJSON(b []byte) error {
	o.given, o.widgetHours = true, widgetHours{}
	return json.Unmarshal(b, &o.widgetHours)
}

// Schema implements huma.SchemaProvider.
func (optionalHours) Schema(r huma.Registry) *huma.Schema {
	of := *huma.SchemaFromType(r, reflect.TypeFor[widgetHours]())
	of.Nullable = true
	return &of
}

func (o optionalHours) hours() *event.Hours {
	if !o.given {
		return nil
	}
	h := &event.Hours{Timezone: o.Timezone}
	for _, p := range o.Openings {
		h.Openings = append(h.Openings, event.Opening{Day: p.Day, From: widget.ParseClock(p.From), To: widget.ParseClock(p.To)})
	}
	for _, d := range o.Holidays {
		h.Holidays = append(h.Holidays, event.Holiday{Date: d.Date, Name: d.Name})
	}
	return h
}

// goalInput is a goal that is new when it has no id.
type goalInput struct {
	ID      *int64 `json:"id,omitempty" nullable:"true" doc:"Null or absent: a new one." example:"1"`
	Name    string `json:"name" example:"Order placed"`
	Match   string `json:"match" enum:"exact,prefix,contains,script" example:"prefix"`
	Pattern string `json:"pattern" doc:"An address or a path; for contains a part of one, for script a key." example:"https://shop.example/thanks"`
}

func goalsOf(in *[]goalInput) *[]event.Goal {
	if in == nil {
		return nil
	}
	out := make([]event.Goal, len(*in))
	for i, g := range *in {
		out[i] = event.Goal{Name: g.Name, Match: g.Match, Pattern: g.Pattern}
		if g.ID != nil {
			out[i].ID = id.Goal(*g.ID)
		}
	}
	return &out
}

type widgetInput struct {
	Name                  string         `json:"name" example:"Demo shop"`
	Lang                  *string        `json:"lang,omitempty" enum:"en,de" doc:"Default: en."`
	GroupID               optionalID     `json:"group_id,omitempty" required:"false" doc:"Whose operators answer; null or absent means all."`
	Domains               *[]string      `json:"domains,omitempty" nullable:"false" doc:"Like shop.example, *.shop.example or localhost:8080; none means every site."`
	Color                 *string        `json:"color,omitempty" example:"#4f46e5"`
	Position              *string        `json:"position,omitempty" enum:"right,left" doc:"Default: right."`
	Title                 *string        `json:"title,omitempty"`
	Subtitle              *string        `json:"subtitle,omitempty"`
	Greeting              *string        `json:"greeting,omitempty"`
	Theme                 *string        `json:"theme,omitempty" enum:"auto,light,dark" doc:"Default: auto."`
	SessionTimeoutSeconds *int           `json:"session_timeout_seconds,omitempty" doc:"30 to 604800, default 1800."`
	IdentityRequired      *bool          `json:"identity_required,omitempty" doc:"Needs an identity secret first."`
	PrivacyMode           *bool          `json:"privacy_mode,omitempty" doc:"Default: false."`
	RatingForm            *string        `json:"rating_form,omitempty" enum:",stars,thumbs" doc:"Default: stars."`
	AskFeedback           *bool          `json:"ask_feedback,omitempty" doc:"Default: true."`
	Survey                optionalSurvey `json:"survey,omitempty" required:"false" doc:"1 to 10 options; null or absent means none."`
	Goals                 *[]goalInput   `json:"goals,omitempty" nullable:"false" doc:"Up to 50."`
	Presence              *string        `json:"presence,omitempty" enum:"auto,off,manual" doc:"Default: auto."`
	Hours                 optionalHours  `json:"hours,omitempty" required:"false" doc:"Null or absent means always."`
	OfflineForm           *bool          `json:"offline_form,omitempty" doc:"Default: false."`
	UnansweredSeconds     *int           `json:"unanswered_seconds,omitempty" doc:"10 to 86400, or 0 for no alarm; default 120."`
	TranscriptHook        *string        `json:"transcript_hook,omitempty" enum:",end,review" doc:"Default: empty, never by itself."`
	ShowVisitors          *bool          `json:"show_visitors,omitempty" doc:"Default: false."`
	Active                *bool          `json:"active,omitempty" doc:"Default: true."`
}

func (in widgetInput) change() widget.Change {
	return widget.Change{
		Name:                  &in.Name,
		Lang:                  in.Lang,
		GroupID:               in.GroupID.group(),
		Domains:               in.Domains,
		Color:                 in.Color,
		Position:              in.Position,
		Title:                 in.Title,
		Subtitle:              in.Subtitle,
		Greeting:              in.Greeting,
		Theme:                 in.Theme,
		SessionTimeoutSeconds: in.SessionTimeoutSeconds,
		IdentityRequired:      in.IdentityRequired,
		PrivacyMode:           in.PrivacyMode,
		RatingForm:            in.RatingForm,
		AskFeedback:           in.AskFeedback,
		Survey:                in.Survey.form(),
		Goals:                 goalsOf(in.Goals),
		Presence:              in.Presence,
		Hours:                 in.Hours.hours(),
		OfflineForm:           in.OfflineForm,
		UnansweredSeconds:     in.UnansweredSeconds,
		TranscriptHook:        in.TranscriptHook,
		ShowVisitors:          in.ShowVisitors,
		Active:                in.Active,
	}
}

func (o optionalID) group() *id.Group {
	if !o.given {
		return nil
	}
	g := id.Group(o.id)
	return &g
}

type widgetPatch struct {
	Name                  *string        `json:"name,omitempty"`
	Lang                  *string        `json:"lang,omitempty" enum:"en,de"`
	GroupID               optionalID     `json:"group_id,omitempty" required:"false" doc:"Whose operators answer; null means all."`
	Domains               *[]string      `json:"domains,omitempty" nullable:"false"`
	Color                 *string        `json:"color,omitempty"`
	Position              *string        `json:"position,omitempty" enum:"right,left"`
	Title                 *string        `json:"title,omitempty"`
	Subtitle              *string        `json:"subtitle,omitempty"`
	Greeting              *string        `json:"greeting,omitempty"`
	Theme                 *string        `json:"theme,omitempty" enum:"auto,light,dark"`
	SessionTimeoutSeconds *int           `json:"session_timeout_seconds,omitempty"`
	IdentityRequired      *bool          `json:"identity_required,omitempty"`
	PrivacyMode           *bool          `json:"privacy_mode,omitempty"`
	RatingForm            *string        `json:"rating_form,omitempty" enum:",stars,thumbs"`
	AskFeedback           *bool          `json:"ask_feedback,omitempty"`
	Survey                optionalSurvey `json:"survey,omitempty" required:"false" doc:"1 to 10 options; null takes it away."`
	Goals                 *[]goalInput   `json:"goals,omitempty" nullable:"false" doc:"All of them: those without an id are new, missing ones are deleted. Up to 50."`
	Presence              *string        `json:"presence,omitempty" enum:"auto,off,manual"`
	Hours                 optionalHours  `json:"hours,omitempty" required:"false" doc:"Null means always."`
	OfflineForm           *bool          `json:"offline_form,omitempty"`
	UnansweredSeconds     *int           `json:"unanswered_seconds,omitempty" doc:"10 to 86400, or 0 for no alarm."`
	TranscriptHook        *string        `json:"transcript_hook,omitempty" enum:",end,review"`
	ShowVisitors          *bool          `json:"show_visitors,omitempty"`
	Active                *bool          `json:"active,omitempty"`
}

func (in widgetPatch) change() widget.Change {
	return widget.Change{
		Name:                  in.Name,
		Lang:                  in.Lang,
		GroupID:               in.GroupID.group(),
		Domains:               in.Domains,
		Color:                 in.Color,
		Position:              in.Position,
		Title:                 in.Title,
		Subtitle:              in.Subtitle,
		Greeting:              in.Greeting,
		Theme:                 in.Theme,
		SessionTimeoutSeconds: in.SessionTimeoutSeconds,
		IdentityRequired:      in.IdentityRequired,
		PrivacyMode:           in.PrivacyMode,
		RatingForm:            in.RatingForm,
		AskFeedback:           in.AskFeedback,
		Survey:                in.Survey.form(),
		Goals:                 goalsOf(in.Goals),
		Presence:              in.Presence,
		Hours:                 in.Hours.hours(),
		OfflineForm:           in.OfflineForm,
		UnansweredSeconds:     in.UnansweredSeconds,
		TranscriptHook:        in.TranscriptHook,
		ShowVisitors:          in.ShowVisitors,
		Active:                in.Active,
	}
}

type presenceInput struct {
	Presence string `json:"presence" enum:"auto,off,manual" doc:"auto: somebody is there within the hours while an operator is online; off: nobody is; manual: somebody is within the hours." example:"off"`
}

type secretAnswer struct {
	Secret string `json:"secret" doc:"Shown only here."`
}
