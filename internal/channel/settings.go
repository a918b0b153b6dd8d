package channel

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/outhttp"
	"parley/internal/secret"
)

// Limits of a channel's settings.
const (
	MaxName    = 80  // characters
	MaxWidgets = 200 // additional widgets
	// MinSecret and MaxSecret bound a token that was typed, in bytes of visible ASCII.
	MinSecret = 8
	MaxSecret = 200
	// MaxOverlap is how long the token before a rotation may go on counting.
	MaxOverlap = 168 * time.Hour
	maxText    = 500 // characters of a text field
)

// token is a secret with the one before it.
type token struct {
	Value    string
	Previous string
	// Until is when the previous one stops counting, in microseconds.
	Until int64
}

// holds reports in constant time whether given is the token, or the one before it while that counts.
func (t token) holds(given string, at time.Time) bool {
	now := secret.Equal(t.Value, given)
	before := secret.Equal(t.Previous, given)
	return t.Value != "" && now || t.Previous != "" && at.UnixMicro() < t.Until && before
}

// sealed is what the settings column holds, sealed.
type sealed struct {
	Values  map[string]string
	Secrets map[string]token
}

func sealContext(c id.Channel) string { return fmt.Sprintf("channel.settings.%d", c) }

func (s sealed) seal(with *secret.Sealer, c id.Channel) (string, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("settings of channel %d: %w", c, err)
	}
	return with.Seal(sealContext(c), string(b)), nil
}

func open(with *secret.Sealer, c id.Channel, text string) (s sealed, err error) {
	plain, err := with.Open(sealContext(c), text)
	if err == nil {
		err = json.Unmarshal([]byte(plain.Reveal()), &s)
	}
	if err != nil {
		return s, fmt.Errorf("settings of channel %d: %w", c, err)
	}
	return s, nil
}

// settings are what a kind gets to see.
func (s sealed) settings() Settings {
	out := Settings{Values: s.Values, Secrets: make(map[string]secret.String, len(s.Secrets))}
	for name, t := range s.Secrets {
		out.Secrets[name] = secret.Of(t.Value)
	}
	return out
}

// with returns the settings with what was typed put in and generated where nothing is, checked against the fields. Nil maps leave
// everything as it is.
func (s sealed) with(fields []Field, values, secrets map[string]string, door *outhttp.Client, c *fault.Collect) sealed {
	out := sealed{Values: map[string]string{}, Secrets: maps.Clone(s.Secrets)}
	if out.Secrets == nil {
		out.Secrets = map[string]token{}
	}
	strangers(fields, values, "settings", false, c)
	strangers(fields, secrets, "secrets", true, c)
	for _, f := range fields {
		if f.Kind == FieldSecret {
			out.secret(f, secrets, c)
			continue
		}
		v, typed := values[f.Name]
		if !typed {
			var known bool
			if v, known = s.Values[f.Name]; !known {
				v = f.Default
			}
		}
		out.Values[f.Name] = v
		at := "settings." + f.Name
		switch {
		case v == "" && f.Required:
			c.Add(missing(f, at))
		case v == "":
		case f.Kind == FieldChoice && !slices.ContainsFunc(f.Options, func(o Option) bool { return o.Value == v }):
			c.Add(fault.Newf(fault.FieldInvalid, "%s has no option %.40q", f.Label, v).At(at))
		case f.Kind == FieldText && (!plain(v) || utf8.RuneCountInString(v) > maxText):
			c.Add(fault.Newf(fault.FieldInvalid, "%s is one line of at most %d characters", f.Label, maxText).At(at))
		case f.Kind == FieldURL && (typed || s.Values == nil):
			c.Add(checkURL(v, at, door))
		}
	}
	return out
}

func (s *sealed) secret(f Field, typed map[string]string, c *fault.Collect) {
	at := "secrets." + f.Name
	v, given := typed[f.Name]
	t := s.Secrets[f.Name]
	switch {
	case given && v != "":
		if err := checkSecret(v); err != nil {
			c.Add(err.At(at))
			return
		}
		if v != t.Value {
			s.Secrets[f.Name] = token{Value: v}
		}
	case t.Value != "":
	case f.Generated:
		s.Secrets[f.Name] = token{Value: secret.Token("")}
	case f.Required:
		c.Add(missing(f, at))
	}
}

func missing(f Field, at string) *fault.Error {
	return fault.Newf(fault.FieldRequired, "%s is missing", f.Label).At(at)
}

// strangers refuses values of fields that the kind does not have.
func strangers(fields []Field, given map[string]string, under string, secrets bool, c *fault.Collect) {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.ContainsFunc(fields, func(f Field) bool { return f.Name == name && (f.Kind == FieldSecret) == secrets }) {
			c.Add(fault.Newf(fault.FieldInvalid, "this type of channel has no such field").At(under + "." + shown(name)))
		}
	}
}

// shown is a name from outside, cut to what can stand in an answer.
func shown(name string) string {
	if !plain(name) || len(name) > 60 {
		return "?"
	}
	return name
}

func plain(s string) bool { return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) }

func checkSecret(v string) *fault.Error {
	ok := len(v) >= MinSecret && len(v) <= MaxSecret
	for _, b := range []byte(v) {
		ok = ok && b > ' ' && b <= '~'
	}
	if !ok {
		return fault.Newf(fault.FieldInvalid, "a token has %d to %d visible ASCII characters without blanks", MinSecret, MaxSecret)
	}
	return nil
}

func checkURL(v, at string, door *outhttp.Client) *fault.Error {
	u, f := outhttp.CheckURL(v)
	if f != nil {
		return fault.New(fault.ChannelURL, f.Detail).At(at)
	}
	if f = door.CheckHost(u, nil); f != nil {
		return f.At(at)
	}
	return nil
}
