package rest

import (
	"bytes"
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"

	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/widget"
)

// widgetObject is a widget. Its name in the API's document is Widget.
type widgetObject struct {
	ID                    int64    `json:"id" example:"1"`
	Key                   string   `json:"key" doc:"The public key that stands in the snippet." example:"w_Zm9vYmFyYmF6cXV4"`
	Name                  string   `json:"name" example:"Demo shop"`
	Lang                  string   `json:"lang" enum:"en,de"`
	GroupID               *int64   `json:"group_id" doc:"Whose operators answer; null means all." example:"1"`
	Domains               []string `json:"domains" nullable:"false" doc:"Sites that may show the widget; none means every site." example:"[\"shop.example\"]"`
	Color                 string   `json:"color" example:"#4f46e5"`
	Position              string   `json:"position" enum:"right,left"`
	Title                 string   `json:"title" example:"Chat with us"`
	Subtitle              string   `json:"subtitle" example:""`
	Greeting              string   `json:"greeting" example:"Hi! How can we help?"`
	Theme                 string   `json:"theme" enum:"auto,light,dark"`
	SessionTimeoutSeconds int      `json:"session_timeout_seconds" doc:"A session ends after this time without a message." example:"1800"`
	IdentityRequired      bool     `json:"identity_required" doc:"Only visitors with a signed identity may write."`
	HasIdentitySecret     bool     `json:"has_identity_secret"`
	Active                bool     `json:"active"`
	CreatedAt             string   `json:"created_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	UpdatedAt             string   `json:"updated_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	Snippet               string   `json:"snippet" doc:"The HTML for the site's pages."`
}

func wireWidget(w *event.Widget, publicURL string) widgetObject {
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

type widgetInput struct {
	Name                  string     `json:"name" example:"Demo shop"`
	Lang                  *string    `json:"lang,omitempty" enum:"en,de" doc:"Default: en."`
	GroupID               optionalID `json:"group_id,omitempty" required:"false" doc:"Whose operators answer; null or absent means all."`
	Domains               *[]string  `json:"domains,omitempty" nullable:"false" doc:"Like shop.example, *.shop.example or localhost:8080; none means every site."`
	Color                 *string    `json:"color,omitempty" example:"#4f46e5"`
	Position              *string    `json:"position,omitempty" enum:"right,left" doc:"Default: right."`
	Title                 *string    `json:"title,omitempty"`
	Subtitle              *string    `json:"subtitle,omitempty"`
	Greeting              *string    `json:"greeting,omitempty"`
	Theme                 *string    `json:"theme,omitempty" enum:"auto,light,dark" doc:"Default: auto."`
	SessionTimeoutSeconds *int       `json:"session_timeout_seconds,omitempty" doc:"30 to 604800, default 1800."`
	IdentityRequired      *bool      `json:"identity_required,omitempty" doc:"Needs an identity secret first."`
	Active                *bool      `json:"active,omitempty" doc:"Default: true."`
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
	Name                  *string    `json:"name,omitempty"`
	Lang                  *string    `json:"lang,omitempty" enum:"en,de"`
	GroupID               optionalID `json:"group_id,omitempty" required:"false" doc:"Whose operators answer; null means all."`
	Domains               *[]string  `json:"domains,omitempty" nullable:"false"`
	Color                 *string    `json:"color,omitempty"`
	Position              *string    `json:"position,omitempty" enum:"right,left"`
	Title                 *string    `json:"title,omitempty"`
	Subtitle              *string    `json:"subtitle,omitempty"`
	Greeting              *string    `json:"greeting,omitempty"`
	Theme                 *string    `json:"theme,omitempty" enum:"auto,light,dark"`
	SessionTimeoutSeconds *int       `json:"session_timeout_seconds,omitempty"`
	IdentityRequired      *bool      `json:"identity_required,omitempty"`
	Active                *bool      `json:"active,omitempty"`
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
		Active:                in.Active,
	}
}

type secretAnswer struct {
	Secret string `json:"secret" doc:"Shown only here."`
}
