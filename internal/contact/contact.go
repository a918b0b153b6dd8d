package contact

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"parley/internal/event"
	"parley/internal/fault"
)

// Limits of what a contact can hold.
const (
	MaxName        = 120   // characters
	MaxEmail       = 254   // bytes
	MaxPhone       = 40    // characters
	MaxExternalID  = 200   // characters
	MaxCustomBytes = 32768 // bytes of JSON
	MaxCustomDepth = 8     // levels of nesting
	MaxAdditional  = 200   // characters of a free field's name and of its value
	MaxField       = 40    // characters of a key of the custom data that an operator sets
	MaxFieldValue  = 1000  // characters of the text that it is set to
)

// Change is what shall become of a contact's data; nil leaves a value as it is.
type Change struct {
	Name       *string
	Email      *string
	Phone      *string
	ExternalID *string
	// ClaimedID is what a page's script calls the user; see Claim.
	ClaimedID *string
	// Custom replaces the custom data; it must be a JSON object.
	Custom *event.RawJSON
	// Additional are the free fields 01 to 03.
	Additional [3]*event.Additional
}

// Check normalises the change (outer blanks, the e-mail's letter case) or returns faults that name the fields. The prefix
// is put before the field names, for inputs that nest the change ("contact.").
func (c Change) Check(prefix string) (Change, error) {
	var faults fault.Collect
	line := func(field string, p *string, max int) *string {
		if p == nil {
			return nil
		}
		v := strings.TrimSpace(*p)
		switch {
		case !plainLine(v):
			faults.Add(fault.Newf(fault.TextInvalid, "%s holds control characters or is not UTF-8", field).At(prefix + field))
		case utf8.RuneCountInString(v) > max:
			faults.Add(fault.Newf(fault.TextTooLong, "%s is longer than %d characters", field, max).At(prefix + field))
		}
		return &v
	}
	out := Change{
		Name:       line("name", c.Name, MaxName),
		Phone:      line("phone", c.Phone, MaxPhone),
		ExternalID: line("external_id", c.ExternalID, MaxExternalID),
		ClaimedID:  line("claimed_id", c.ClaimedID, MaxExternalID),
	}
	if c.Email != nil {
		e, err := NormalEmail(*c.Email)
		if err != nil {
			faults.Add(fault.New(fault.FieldInvalid, "this is not an e-mail address").At(prefix + "email"))
		}
		out.Email = &e
	}
	if c.Custom != nil {
		v, err := CheckCustom([]byte(*c.Custom))
		if err != nil {
			faults.Add(fault.As(err).At(prefix + "custom"))
		}
		out.Custom = &v
	}
	for i, f := range c.Additional {
		if f != nil {
			field := fmt.Sprintf("additional%02d", i+1)
			out.Additional[i] = &event.Additional{Name: *line(field+".name", &f.Name, MaxAdditional), Value: *line(field+".value", &f.Value, MaxAdditional)}
		}
	}
	return out, faults.Err()
}

// apply changes c and reports whether anything became different.
func (ch Change) apply(c *event.Contact) bool {
	changed := false
	set := func(to *string, from *string) {
		if from != nil && *to != *from {
			*to, changed = *from, true
		}
	}
	set(&c.Name, ch.Name)
	set(&c.Email, ch.Email)
	set(&c.Phone, ch.Phone)
	set(&c.ExternalID, ch.ExternalID)
	set(&c.ClaimedID, ch.ClaimedID)
	if ch.Custom != nil && c.Custom != *ch.Custom {
		c.Custom, changed = *ch.Custom, true
	}
	for i, f := range ch.Additional {
		if f == nil || i < len(c.Additional) && c.Additional[i] == *f || i >= len(c.Additional) && *f == (event.Additional{}) {
			continue
		}
		fields := make([]event.Additional, max(len(c.Additional), i+1))
		copy(fields, c.Additional) // what others hold of the contact stays as it is
		fields[i] = *f
		c.Additional, changed = fields, true
	}
	return changed
}

// NormalEmail returns the address in lower case without blanks around it; "" stays "". Only a bare address is accepted.
func NormalEmail(s string) (string, error) {
	if !utf8.ValidString(s) { // lower case would hide it
		return "", errors.New("not UTF-8")
	}
	s = strings.ToLower(strings.TrimSpace(s))
	if s == "" {
		return "", nil
	}
	if len(s) > MaxEmail || !plainLine(s) {
		return "", errors.New("too long or with control characters")
	}
	a, err := mail.ParseAddress(s)
	if err != nil {
		return "", err
	}
	if a.Address != s || strings.ContainsAny(s, "<> \"") {
		return "", errors.New("not a bare address")
	}
	return s, nil
}

// CheckCustom returns custom data in compact form, or a fault: it must be one JSON object of at most MaxCustomBytes and
// MaxCustomDepth levels, without NUL characters. Numbers keep their digits.
func CheckCustom(b []byte) (event.RawJSON, error) {
	if len(b) > MaxCustomBytes {
		return "", fault.Newf(fault.CustomTooLarge, "custom data may have %d bytes of JSON, this has %d", MaxCustomBytes, len(b))
	}
	if !utf8.Valid(b) {
		return "", fault.New(fault.TextInvalid, "custom data is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	depth, first := 0, true
	for {
		tok, err := dec.Token()
		if err == io.EOF && !first && depth == 0 {
			break
		}
		if err != nil {
			return "", fault.New(fault.CustomInvalid, "custom data is not valid JSON")
		}
		if d, ok := tok.(json.Delim); ok {
			switch d {
			case '{', '[':
				depth++
			default:
				depth--
			}
			if depth > MaxCustomDepth {
				return "", fault.Newf(fault.CustomTooDeep, "custom data may be nested %d levels deep", MaxCustomDepth)
			}
		}
		if s, ok := tok.(string); ok && strings.ContainsRune(s, 0) {
			return "", fault.New(fault.TextInvalid, "custom data holds a NUL character")
		}
		if first && tok != json.Delim('{') {
			return "", fault.New(fault.CustomInvalid, "custom data is not a JSON object")
		}
		first = false
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, b); err != nil {
		return "", fault.New(fault.CustomInvalid, "custom data is not one JSON object")
	}
	return event.RawJSON(compact.String()), nil
}

// checkField refuses keys and texts that operators cannot put into the custom data.
func checkField(name, value string) error {
	switch {
	case name == "" || !plainLine(name) || utf8.RuneCountInString(name) > MaxField:
		return fault.Newf(fault.FieldInvalid, "a field's key has 1 to %d characters and no control characters", MaxField).At("field")
	case !plainLine(value):
		return fault.New(fault.TextInvalid, "the value is not one line of UTF-8 text").At("value")
	case utf8.RuneCountInString(value) > MaxFieldValue:
		return fault.Newf(fault.TextTooLong, "a field's value can have %d characters", MaxFieldValue).At("value")
	}
	return nil
}

// withField is custom data in which a key holds the text, or is not there where the text is "". Everything else stays as it is
// written, in its order.
func withField(custom event.RawJSON, name, value string) (event.RawJSON, error) {
	var out bytes.Buffer
	put := func(key string, v any) error {
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		e := json.NewEncoder(&out)
		e.SetEscapeHTML(false)
		if err := e.Encode(key); err != nil {
			return err
		}
		out.WriteByte(':')
		return e.Encode(v)
	}
	out.WriteByte('{')
	dec := json.NewDecoder(strings.NewReader(string(custom)))
	if _, err := dec.Token(); err != nil && custom != "" {
		return "", fmt.Errorf("stored custom data: %w", err)
	}
	pending := value != ""
	for custom != "" && dec.More() {
		key, err := dec.Token()
		if err != nil {
			return "", fmt.Errorf("stored custom data: %w", err)
		}
		var old json.RawMessage
		if err := dec.Decode(&old); err != nil {
			return "", fmt.Errorf("stored custom data: %w", err)
		}
		switch {
		case key != name:
			err = put(key.(string), old)
		case pending:
			err = put(name, value)
			pending = false
		}
		if err != nil {
			return "", fmt.Errorf("custom data: %w", err)
		}
	}
	if pending {
		if err := put(name, value); err != nil {
			return "", fmt.Errorf("custom data: %w", err)
		}
	}
	out.WriteByte('}')
	var compact bytes.Buffer
	if err := json.Compact(&compact, out.Bytes()); err != nil {
		return "", fmt.Errorf("custom data: %w", err)
	}
	return event.RawJSON(compact.String()), nil
}

// plainLine reports whether s is valid UTF-8 without control characters.
func plainLine(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
