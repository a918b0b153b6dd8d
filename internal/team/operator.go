package team

import (
	"net/mail"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/secret"
)

const (
	maxName     = 100
	maxEmail    = 254
	maxURL      = 2000
	maxSlots    = 1000
	minPassword = 10
	// maxPassword bounds the work of hashing; argon2 itself would take more.
	maxPassword = 1024
)

// NewOperator is what an operator is made of. Email is required; Role defaults to operator, Slots to 5, Lang to en, Locale
// to en_US, Timezone to UTC, Username to the part of the address before the @.
type NewOperator struct {
	Email     string
	Username  string
	FirstName string
	LastName  string
	Alias     string
	ImageURL  string
	Lang      string
	Locale    string
	Timezone  string
	Role      string
	Slots     int
	Groups    []id.Group
	// Password is optional; without one the operator signs in by a link first.
	Password secret.String
}

// OperatorChange is a partial change; nil fields stay as they are. Groups replaces all memberships.
type OperatorChange struct {
	Email     *string
	Username  *string
	FirstName *string
	LastName  *string
	Alias     *string
	ImageURL  *string
	Lang      *string
	Locale    *string
	Timezone  *string
	Role      *string
	Active    *bool
	Slots     *int
	Groups    *[]id.Group
	// Password sets another operator's password and ends all sessions of that operator.
	Password *secret.String
}

// profileOnly reports whether the change touches nothing but what operators may change about themselves.
func (c OperatorChange) profileOnly() bool {
	return c.Email == nil && c.Username == nil && c.Role == nil && c.Active == nil && c.Slots == nil && c.Groups == nil && c.Password == nil
}

// operatorOf makes an operator of n, with the defaults filled in and everything checked.
func operatorOf(n NewOperator) (event.Operator, error) {
	o := event.Operator{
		Username: n.Username, FirstName: n.FirstName, LastName: n.LastName, Alias: n.Alias, ImageURL: n.ImageURL,
		Lang: n.Lang, Locale: n.Locale, Timezone: n.Timezone, Role: n.Role, Slots: n.Slots,
		Active: true, Availability: event.Online, Status: event.Offline,
	}
	var faults fault.Collect
	email, err := NormalizeEmail(n.Email)
	if err != nil {
		faults.Add(fault.As(err))
	}
	o.Email = email
	if o.Username == "" {
		o.Username, _, _ = strings.Cut(email, "@")
	}
	if o.Role == "" {
		o.Role = RoleOperator
	}
	if o.Slots == 0 {
		o.Slots = 5
	}
	if o.Lang == "" {
		o.Lang = "en"
	}
	if o.Locale == "" {
		o.Locale = "en_US"
	}
	if o.Timezone == "" {
		o.Timezone = "UTC"
	}
	if !n.Password.IsZero() {
		faults.Add(checkPassword(n.Password, "password"))
	}
	checkOperator(&faults, &o)
	return o, faults.Err()
}

// apply changes o and reports whether anything is different now. Groups and password are not its business.
func (c OperatorChange) apply(o *event.Operator) (changed bool, err error) {
	before := *o
	var faults fault.Collect
	if c.Email != nil {
		email, err := NormalizeEmail(*c.Email)
		if err != nil {
			faults.Add(fault.As(err))
		}
		o.Email = email
	}
	set(&o.Username, c.Username)
	set(&o.FirstName, c.FirstName)
	set(&o.LastName, c.LastName)
	set(&o.Alias, c.Alias)
	set(&o.ImageURL, c.ImageURL)
	set(&o.Lang, c.Lang)
	set(&o.Locale, c.Locale)
	set(&o.Timezone, c.Timezone)
	set(&o.Role, c.Role)
	set(&o.Active, c.Active)
	set(&o.Slots, c.Slots)
	if c.Password != nil {
		faults.Add(checkPassword(*c.Password, "password"))
	}
	checkOperator(&faults, o)
	same := before.Email == o.Email && before.Username == o.Username && before.FirstName == o.FirstName && before.LastName == o.LastName &&
		before.Alias == o.Alias && before.ImageURL == o.ImageURL && before.Lang == o.Lang && before.Locale == o.Locale &&
		before.Timezone == o.Timezone && before.Role == o.Role && before.Active == o.Active && before.Slots == o.Slots
	return !same, faults.Err()
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

var (
	langPattern   = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
	localePattern = regexp.MustCompile(`^[a-z]{2,3}(_[A-Z]{2})?$`)
	zonePattern   = regexp.MustCompile(`^[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}$`)
)

func checkOperator(faults *fault.Collect, o *event.Operator) {
	for _, f := range []struct {
		name  string
		value *string
	}{{"username", &o.Username}, {"first_name", &o.FirstName}, {"last_name", &o.LastName}, {"alias", &o.Alias}} {
		*f.value = strings.TrimSpace(*f.value)
		faults.Add(checkLine(*f.value, f.name, maxName))
	}
	if o.ImageURL != "" && (len(o.ImageURL) > maxURL || !strings.HasPrefix(o.ImageURL, "https://") || checkLine(o.ImageURL, "", maxURL) != nil) {
		faults.Add(fault.New(fault.FieldInvalid, "the picture's address must start with https://").At("image_url"))
	}
	if !langPattern.MatchString(o.Lang) {
		faults.Add(fault.New(fault.FieldInvalid, `the language must look like "en" or "pt-BR"`).At("lang"))
	}
	if !localePattern.MatchString(o.Locale) {
		faults.Add(fault.New(fault.FieldInvalid, `the locale must look like "en_US"`).At("locale"))
	}
	if !zonePattern.MatchString(o.Timezone) {
		faults.Add(fault.New(fault.FieldInvalid, `the time zone must look like "Europe/Berlin"`).At("timezone"))
	}
	if o.Role != RoleAdmin && o.Role != RoleOperator {
		faults.Add(fault.New(fault.FieldInvalid, "the role must be admin or operator").At("role"))
	}
	if o.Slots < 1 || o.Slots > maxSlots {
		faults.Add(fault.Newf(fault.FieldInvalid, "slots must be between 1 and %d", maxSlots).At("slots"))
	}
}

// checkLine refuses what cannot be stored or shown in one line of at most limit characters.
func checkLine(s, field string, limit int) *fault.Error {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return fault.New(fault.TextInvalid, "the text holds characters that cannot be stored").At(field)
	}
	if utf8.RuneCountInString(s) > limit {
		return fault.Newf(fault.TextTooLong, "at most %d characters are allowed", limit).At(field)
	}
	return nil
}

// NormalizeEmail returns the address in the form in which it is stored and compared: trimmed and in lower case. It refuses
// what is not one bare address of at most 254 bytes, with a fault at the field email.
func NormalizeEmail(s string) (string, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	if s == "" {
		return "", fault.New(fault.FieldRequired, "an e-mail address is required").At("email")
	}
	bad := fault.New(fault.FieldInvalid, "this is not an e-mail address").At("email")
	if len(s) > maxEmail || checkLine(s, "email", maxEmail) != nil || strings.ContainsAny(s, " \"<>(),:;\\") {
		return "", bad
	}
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s || a.Name != "" {
		return "", bad
	}
	// Lower case again must not change it: some letters have a lower case only after the first step.
	if strings.ToLower(s) != s {
		return "", bad
	}
	return s, nil
}

func checkPassword(p secret.String, field string) *fault.Error {
	switch n := utf8.RuneCountInString(p.Reveal()); {
	case n < minPassword:
		return fault.Newf(fault.PasswordWeak, "a password needs at least %d characters", minPassword).At(field)
	case len(p.Reveal()) > maxPassword:
		return fault.Newf(fault.TextTooLong, "a password may have at most %d bytes", maxPassword).At(field)
	}
	return nil
}

// ActorOf is the actor that a signed-in operator is.
func ActorOf(o *event.Operator) Actor {
	a := Actor{Operator: o.ID, Name: o.DisplayName(), Scope: ScopeWrite}
	if o.Role == RoleAdmin {
		a.Scope = ScopeAdmin
	}
	return a
}
