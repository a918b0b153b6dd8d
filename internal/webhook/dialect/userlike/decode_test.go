package userlike_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"parley/internal/event"
	"parley/internal/event/eventtest"
	"parley/internal/webhook/dialect"
	"parley/internal/webhook/dialect/userlike"
)

// The structs below are those of a receiver in a typed language: every field with the one type that it always has. They are written
// out anew, from the document and not from the code, so that they fall out with it when one of the two moves.

type aRef struct {
	ID int64 `json:"id"`
}

type aNamed struct {
	ID   *int64  `json:"id"`
	Name *string `json:"name"`
}

type aHead struct {
	Type  string `json:"_type"`
	Event string `json:"_event"`
}

type aContact struct {
	ID         int64          `json:"id"`
	Name       *string        `json:"name"`
	Email      *string        `json:"email"`
	ExternalID *string        `json:"external_id"`
	Phone      *string        `json:"phone"`
	Custom     map[string]any `json:"custom"`
}

type anOperator struct {
	ID            int64   `json:"id"`
	Name          string  `json:"name"`
	FirstName     *string `json:"first_name"`
	LastName      *string `json:"last_name"`
	Email         *string `json:"email"`
	OperatorGroup *aNamed `json:"operator_group"`
}

type aMessage struct {
	Body                string   `json:"body"`
	Conversation        aRef     `json:"conversation"`
	ConversationID      int64    `json:"conversation_id"`
	DisplayName         string   `json:"display_name"`
	Event               *anEntry `json:"event"`
	ID                  string   `json:"id"`
	MarkedReadContact   bool     `json:"marked_read_contact"`
	MarkedReadOperator  bool     `json:"marked_read_operator"`
	MsgID               string   `json:"msgid"`
	Name                string   `json:"name"`
	OperatorDisplayName string   `json:"operator_display_name"`
	OperatorID          *int64   `json:"operator_id"`
	OperatorName        string   `json:"operator_name"`
	PartID              int64    `json:"part_id"`
	Reference           *string  `json:"reference"`
	Sender              struct {
		ID   *int64 `json:"id"`
		Type string `json:"type"`
	} `json:"sender"`
	SentAt     string `json:"sent_at"`
	SentAtTime string `json:"sent_at_time"`
	State      struct {
		ErrorCode *string `json:"error_code"`
		Message   string  `json:"message"`
		Type      int     `json:"type"`
	} `json:"state"`
	Type string  `json:"type"`
	URL  *string `json:"url"`
}

type anEntry struct {
	Name string `json:"name"`
	By   *struct {
		Type string  `json:"type"`
		ID   *int64  `json:"id"`
		Name *string `json:"name"`
	} `json:"by"`
	Operator *aNamed `json:"operator"`
	Group    *aNamed `json:"group"`
	Reason   *string `json:"reason"`
	Rating   *struct {
		Value int     `json:"value"`
		Form  *string `json:"form"`
	} `json:"rating"`
	Survey *struct {
		Question *string `json:"question"`
		Option   *string `json:"option"`
	} `json:"survey"`
	Goal *aNamed `json:"goal"`
}

// anOldMessage is a message in the form of 2014.
type anOldMessage struct {
	Message string  `json:"message"`
	Person  *string `json:"person"`
	SentAt  string  `json:"sent_at"`
	Type    string  `json:"type"`
}

type aSession struct {
	ID                      int64          `json:"id"`
	Conversation            aRef           `json:"conversation"`
	ConversationID          int64          `json:"conversation_id"`
	PartID                  int64          `json:"part_id"`
	Status                  string         `json:"status"`
	CreatedAt               string         `json:"created_at"`
	EndedAt                 *string        `json:"ended_at"`
	Duration                string         `json:"duration"`
	ChatWidget              aNamed         `json:"chat_widget"`
	UmWidget                aNamed         `json:"um_widget"`
	ChatWidgetGoal          aNamed         `json:"chat_widget_goal"`
	Contact                 aContact       `json:"contact"`
	ClientName              *string        `json:"client_name"`
	ClientEmail             *string        `json:"client_email"`
	ClientUUID              *string        `json:"client_uuid"`
	ClientAdditional01Name  *string        `json:"client_additional01_name"`
	ClientAdditional01Value *string        `json:"client_additional01_value"`
	ClientAdditional02Name  *string        `json:"client_additional02_name"`
	ClientAdditional02Value *string        `json:"client_additional02_value"`
	ClientAdditional03Name  *string        `json:"client_additional03_name"`
	ClientAdditional03Value *string        `json:"client_additional03_value"`
	BrowserName             *string        `json:"browser_name"`
	BrowserOS               *string        `json:"browser_os"`
	BrowserVersion          *string        `json:"browser_version"`
	LocCity                 *string        `json:"loc_city"`
	LocCountry              *string        `json:"loc_country"`
	LocLat                  *float64       `json:"loc_lat"`
	LocLon                  *float64       `json:"loc_lon"`
	URL                     *string        `json:"url"`
	InitalURL               *string        `json:"inital_url"`
	InitialURL              *string        `json:"initial_url"`
	Referrer                *string        `json:"referrer"`
	PageImpressions         int            `json:"page_impressions"`
	Visits                  int            `json:"visits"`
	WasProactive            bool           `json:"was_proactive"`
	DataPrivacy             bool           `json:"data_privacy"`
	MarkedRead              bool           `json:"marked_read"`
	OperatorCreated         *anOperator    `json:"operator_created"`
	OperatorCurrent         *anOperator    `json:"operator_current"`
	OperatorCreatedID       *int64         `json:"operator_created_id"`
	OperatorCurrentID       *int64         `json:"operator_current_id"`
	Topic                   *string        `json:"topic"`
	Rate                    *int           `json:"rate"`
	FeedbackMessage         *string        `json:"feedback_message"`
	PostSurveyOption        *string        `json:"post_survey_option"`
	Notes                   []string       `json:"notes"`
	Custom                  map[string]any `json:"custom"`
}

type aSessionCall[M any] struct {
	aHead
	aSession
	Messages []M `json:"messages"`
}

type aMessageCall[M any] struct {
	aSessionCall[M]
	Message M `json:"message"`
}

type anEndCall[M any] struct {
	aSessionCall[M]
	EndReason string `json:"end_reason"`
}

type aForwardCall[M any] struct {
	aSessionCall[M]
	OperatorPrevious      *anOperator `json:"operator_previous"`
	OperatorGroupPrevious *aNamed     `json:"operator_group_previous"`
}

type aConversationCall[M any] struct {
	aHead
	ID        int64    `json:"id"`
	Status    string   `json:"status"`
	CreatedAt string   `json:"created_at"`
	EndedAt   *string  `json:"ended_at"`
	Contact   aContact `json:"contact"`
	UmWidget  aNamed   `json:"um_widget"`
	Channel   struct {
		ID   *int64  `json:"id"`
		Type *string `json:"type"`
		Name *string `json:"name"`
	} `json:"channel"`
	OperatorCurrent   *anOperator    `json:"operator_current"`
	OperatorCurrentID *int64         `json:"operator_current_id"`
	Topic             *string        `json:"topic"`
	Tags              []string       `json:"tags"`
	Custom            map[string]any `json:"custom"`
	Sessions          []aSession     `json:"sessions"`
	Messages          []M            `json:"messages"`
}

type anOperatorCall struct {
	aHead
	ID              int64   `json:"id"`
	Username        string  `json:"username"`
	Name            string  `json:"name"`
	FirstName       *string `json:"first_name"`
	LastName        *string `json:"last_name"`
	Email           *string `json:"email"`
	JID             *string `json:"jid"`
	Lang            *string `json:"lang"`
	Locale          *string `json:"locale"`
	Timezone        *string `json:"timezone"`
	Role            *string `json:"role"`
	RoleName        *string `json:"role_name"`
	IsActive        bool    `json:"is_active"`
	OperatorGroup   *aNamed `json:"operator_group"`
	OperatorGroupID *int64  `json:"operator_group_id"`
	URLImage        *string `json:"url_image"`
	DashboardURL    *string `json:"dashboard_url"`
	Status          string  `json:"status"`
	StatusPrevious  *string `json:"status_previous"`
}

type aWidgetCall struct {
	aHead
	ID                      int64    `json:"id"`
	WidgetID                int64    `json:"widget_id"`
	WidgetKey               string   `json:"widget_key"`
	Name                    string   `json:"name"`
	Lang                    *string  `json:"lang"`
	Locale                  *string  `json:"locale"`
	StatusURL               *string  `json:"status_url"`
	TestURL                 *string  `json:"test_url"`
	CustomURL               *string  `json:"custom_url"`
	JavascriptLoaderURL     *string  `json:"javascript_loader_url"`
	JavascriptLoaderSnippet *string  `json:"javascript_loader_snippet"`
	OperatorGroupID         *int64   `json:"operator_group_id"`
	WidgetVersion           *int     `json:"widget_version"`
	WidgetType              *string  `json:"widget_type"`
	WidgetExternalType      *string  `json:"widget_external_type"`
	Active                  bool     `json:"active"`
	Domains                 []string `json:"domains"`
	Color                   *string  `json:"color"`
	Position                *string  `json:"position"`
	Title                   *string  `json:"title"`
	Subtitle                *string  `json:"subtitle"`
	Greeting                *string  `json:"greeting"`
	Theme                   *string  `json:"theme"`
	SessionTimeoutSeconds   int      `json:"session_timeout_seconds"`
	IdentityRequired        bool     `json:"identity_required"`
	HasIdentitySecret       bool     `json:"has_identity_secret"`
	PrivacyMode             bool     `json:"privacy_mode"`
	RatingForm              *string  `json:"rating_form"`
	AskFeedback             bool     `json:"ask_feedback"`
	SurveyQuestion          *string  `json:"survey_question"`
	SurveyOptions           []string `json:"survey_options"`
	Goals                   []struct {
		ID      int64  `json:"id"`
		Name    string `json:"name"`
		Match   string `json:"match"`
		Pattern string `json:"pattern"`
	} `json:"goals"`
	Presence      string  `json:"presence"`
	HoursTimezone *string `json:"hours_timezone"`
	HoursOpenings []struct {
		Day  int    `json:"day"`
		From string `json:"from"`
		To   string `json:"to"`
	} `json:"hours_openings"`
	HoursHolidays []struct {
		Date string  `json:"date"`
		Name *string `json:"name"`
	} `json:"hours_holidays"`
	OfflineForm       bool    `json:"offline_form"`
	UnansweredSeconds int     `json:"unanswered_seconds"`
	TranscriptHook    *string `json:"transcript_hook"`
	ShowVisitors      bool    `json:"show_visitors"`
	CreatedAt         string  `json:"created_at"`
	UpdatedAt         string  `json:"updated_at"`
}

// anOldOfflineMessage exists in the form of 2014 only.
type anOldOfflineMessage struct {
	aHead
	ID              int64          `json:"id"`
	ClientName      *string        `json:"client_name"`
	ClientEmail     *string        `json:"client_email"`
	Message         string         `json:"message"`
	Topic           *string        `json:"topic"`
	URL             *string        `json:"url"`
	ChatWidget      aNamed         `json:"chat_widget"`
	CreatedAt       string         `json:"created_at"`
	BrowserName     *string        `json:"browser_name"`
	BrowserOS       *string        `json:"browser_os"`
	BrowserVersion  *string        `json:"browser_version"`
	LocCity         *string        `json:"loc_city"`
	LocCountry      *string        `json:"loc_country"`
	LocLat          *float64       `json:"loc_lat"`
	LocLon          *float64       `json:"loc_lon"`
	Custom          map[string]any `json:"custom"`
	DataPrivacy     bool           `json:"data_privacy"`
	MarkedRead      bool           `json:"marked_read"`
	PageImpressions int            `json:"page_impressions"`
	Visits          int            `json:"visits"`
	Status          string         `json:"status"`
	ScreenshotOID   *string        `json:"screenshot_oid"`
	ScreenshotURL   *string        `json:"screenshot_url"`
}

// received makes room for a call, as a receiver does that looks at _type and _event first.
func received[M any](h aHead) any {
	switch h.Type {
	case "operator":
		return new(anOperatorCall)
	case "um_widget", "chat_widget":
		return new(aWidgetCall)
	case "conversation":
		return new(aConversationCall[M])
	case "offline_message":
		return new(anOldOfflineMessage)
	}
	switch h.Event {
	case "message_received", "message_sent":
		return new(aMessageCall[M])
	case "end", "receive":
		return new(anEndCall[M])
	case "forward":
		return new(aForwardCall[M])
	}
	return new(aSessionCall[M])
}

// everyCall calls fn with every sample in every form.
func everyCall(t *testing.T, fn func(t *testing.T, version, event string, body []byte)) {
	d := userlike.New()
	for _, version := range d.Info().Versions {
		for _, s := range eventtest.Named() {
			name, told := d.Name(s.Event)
			if !told || !d.Info().Hears(version, name) {
				continue
			}
			t.Run(version+"/"+s.Name, func(t *testing.T) {
				body, err := d.Render(s.Event, dialect.Options{PublicURL: "https://chat.example", Version: version, MediaURL: eventtest.MediaURL("https://chat.example")})
				if err != nil {
					t.Fatal(err)
				}
				fn(t, version, name, body)
			})
		}
	}
}

func TestATypedReceiverDecodesEveryCall(t *testing.T) {
	seen := map[string]bool{}
	everyCall(t, func(t *testing.T, version, event string, body []byte) {
		var h aHead
		if err := json.Unmarshal(body, &h); err != nil {
			t.Fatal(err)
		}
		seen[version+" "+h.Type+" "+h.Event] = true
		into := received[aMessage](h)
		if version == "2014" {
			into = received[anOldMessage](h)
		}
		d := json.NewDecoder(bytes.NewReader(body))
		d.DisallowUnknownFields()
		if err := d.Decode(into); err != nil {
			t.Errorf("%s: %v", event, err)
		}
		// The other way round: nothing that the receiver knows is missing.
		again, err := json.Marshal(into)
		if err != nil {
			t.Fatal(err)
		}
		if want, got := keys(t, body), keys(t, again); !slices.Equal(want, got) {
			t.Errorf("%s: the call has the keys\n%q\nand the receiver knows\n%q", event, want, got)
		}
	})
	want := []string{
		"1 chat_session end", "1 chat_session feedback", "1 chat_session forward", "1 chat_session goal", "1 chat_session message_received",
		"1 chat_session message_sent", "1 chat_session rating", "1 chat_session start", "1 chat_session survey", "1 chat_session unread",
		"1 conversation ended", "1 operator away", "1 operator back", "1 operator offline", "1 operator online", "1 um_widget config",
		"2014 chat_meta feedback", "2014 chat_meta forward", "2014 chat_meta goal", "2014 chat_meta message_received",
		"2014 chat_meta message_sent", "2014 chat_meta rating", "2014 chat_meta receive", "2014 chat_meta start", "2014 chat_meta survey",
		"2014 chat_meta unread", "2014 chat_widget config", "2014 conversation ended", "2014 offline_message receive", "2014 operator away", "2014 operator back",
		"2014 operator offline", "2014 operator online",
	}
	if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, want) {
		t.Errorf("the calls are\n%q\nwant\n%q", got, want)
	}
}

func keys(t *testing.T, body []byte) []string {
	t.Helper()
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(object))
}

// TestTypesNeverChange looks at every key in all calls: beside null it has one type, whatever happened.
func TestTypesNeverChange(t *testing.T) {
	types := map[string]map[string]bool{}
	var look func(path string, v any)
	look = func(path string, v any) {
		kind := fmt.Sprintf("%T", v)
		if v == nil {
			return
		}
		if types[path] == nil {
			types[path] = map[string]bool{}
		}
		types[path][kind] = true
		switch v := v.(type) {
		case map[string]any:
			for k, one := range v {
				if !strings.HasSuffix(path, ".custom") { // its keys and types are the site's
					look(path+"."+k, one)
				}
			}
		case []any:
			for _, one := range v {
				look(path+"[]", one)
			}
		}
	}
	everyCall(t, func(t *testing.T, version, event string, body []byte) {
		var v any
		if err := json.Unmarshal(body, &v); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(event, "offline_message.") {
			version += " " + event // of a type of its own: its message is a text, where a session's is an object
		}
		look(version, v)
	})
	for path, kinds := range types {
		if len(kinds) != 1 {
			t.Errorf("%s is %q", path, slices.Sorted(maps.Keys(kinds)))
		}
		if last := path[strings.LastIndex(path, ".")+1:]; strings.HasSuffix(last, "_id") && last != "external_id" && !kinds["float64"] { // that one is the site's own
			t.Errorf("%s is an id and not a number", path)
		}
	}
}

// TestTheSchemasLeaveNothingOpen: every object of them names all its keys, and all of them are there.
func TestTheSchemasLeaveNothingOpen(t *testing.T) {
	info := userlike.New().Info()
	for _, version := range info.Versions {
		var doc struct {
			Defs map[string]any `json:"$defs"`
		}
		if err := json.Unmarshal(info.SchemaOf(version), &doc); err != nil {
			t.Fatal(err)
		}
		var look func(path string, v any)
		look = func(path string, v any) {
			switch v := v.(type) {
			case map[string]any:
				if properties, ok := v["properties"].(map[string]any); ok && v["type"] == "object" {
					var required []string
					for _, k := range v["required"].([]any) {
						required = append(required, k.(string))
					}
					slices.Sort(required)
					if v["additionalProperties"] != false || !slices.Equal(required, slices.Sorted(maps.Keys(properties))) {
						t.Errorf("%s %s: an object with keys that may be missing or are not named", version, path)
					}
				}
				for k, one := range v {
					look(path+"/"+k, one)
				}
			case []any:
				for _, one := range v {
					look(path, one)
				}
			}
		}
		look("", doc.Defs)
		for _, e := range info.Events {
			if (doc.Defs[e.Name] != nil) != info.Hears(version, e.Name) {
				t.Errorf("%s: a schema of %s, or none: %v", version, e.Name, doc.Defs[e.Name])
			}
		}
		if bytes.Equal(info.SchemaOf(version), info.Schema) != (version == info.Version) {
			t.Errorf("the form %s has the schema of another one", version)
		}
	}
}

func TestAnUnknownFormIsRefused(t *testing.T) {
	if body, err := userlike.New().Render(eventtest.Samples()[2], dialect.Options{Version: "2015"}); err == nil {
		t.Errorf("a form that there is not: %s", body)
	}
}

// The call about an offline message is one of the older form.
func TestOnlyTheOlderFormTellsOfOfflineMessages(t *testing.T) {
	d := userlike.New()
	for _, s := range eventtest.Named() {
		if s.Event.Type != event.OfflineMessageReceived {
			continue
		}
		if name, told := d.Name(s.Event); !told || name != "offline_message.receive" {
			t.Errorf("%s: %q, %v", s.Name, name, told)
		}
		for _, version := range []string{"", "1"} {
			if body, err := d.Render(s.Event, dialect.Options{Version: version}); err == nil {
				t.Errorf("%s in the form %q: %s", s.Name, version, body)
			}
		}
	}
	if body, err := d.Render(&event.Event{Type: event.OfflineMessageReceived}, dialect.Options{Version: "2014"}); err == nil {
		t.Errorf("of nothing: %s", body)
	}
}

// TestForwardIsAHandOver: what nobody had cannot be handed over by taking it, and what somebody had is, by whatever way.
func TestForwardIsAHandOver(t *testing.T) {
	ann, bob := &event.Operator{ID: 3}, &event.Operator{ID: 5}
	support, billing := &event.Group{ID: 2}, &event.Group{ID: 4}
	byAnn, system := event.Party{Type: event.ByOperator, ID: 3}, event.Party{Type: event.BySystem}
	entry := &event.Message{Type: event.TypeEvent}
	for _, c := range []struct {
		what           string
		by             event.Party
		before, now    *event.Operator
		groupBefore, g *event.Group
		entry          *event.Message
		told           bool
	}{
		{"from one operator to another", byAnn, ann, bob, support, support, entry, true},
		{"from an operator to a group", byAnn, ann, nil, support, billing, entry, true},
		{"from group to group, with nobody in charge", byAnn, nil, nil, support, billing, entry, true},
		{"given to another, nobody had it", byAnn, nil, bob, nil, nil, entry, true},
		{"given to somebody by a program", system, nil, ann, support, support, entry, true},
		{"routed anew, because the operator is gone", system, ann, bob, support, support, nil, true},
		{"taken from a deactivated operator", system, ann, nil, support, support, nil, true},
		{"taken by answering", byAnn, nil, ann, support, support, nil, false},
		{"taken by a click", byAnn, nil, ann, support, support, entry, false},
		{"routed to its first operator", system, nil, ann, support, support, nil, false},
	} {
		e := &event.Event{Type: event.ConversationAssigned, By: c.by, OperatorBefore: c.before, GroupBefore: c.groupBefore, Message: c.entry,
			Conversation: &event.Conversation{Operator: c.now, Group: c.g}, Session: &event.Session{}}
		if name, told := userlike.New().Name(e); told != c.told || told && name != "chat_session.forward" {
			t.Errorf("%s: %q, %v", c.what, name, told)
		}
	}
}
