package mail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/fault"
	"parley/internal/mail/smtp"
	"parley/internal/secret"
	"parley/internal/team"
)

// Server is the installation's mail server as admins see it: without its secrets.
type Server struct {
	// Set says that there is one; without it all else is empty but State, Reason and Waiting.
	Set         bool
	Host        string
	Port        int
	TLS         string
	Username    string
	HasPassword bool
	From        string
	FromName    string
	ReplyTo     string
	// DKIMRecord is the text of the DNS record that publishes the key, "" without a key.
	DKIMDomain   string
	DKIMSelector string
	HasDKIMKey   bool
	DKIMRecord   string
	// PerMinute is how many mails may go out in a minute, 0 for any number.
	PerMinute int
	// State is Unset, OK or Failing; Reason says why, in words. Waiting counts the mails of all widgets that are not sent yet and do not go
	// to a callback.
	State   string
	Reason  string
	Waiting int
}

// ServerDraft is what somebody wants of the mail server; nil fields stay as they are. A secret of "" is taken away.
type ServerDraft struct {
	Host, TLS, Username, Password *string
	Port                          *int
	From, FromName, ReplyTo       *string
	DKIMDomain, DKIMSelector      *string
	DKIMKey                       *string // PEM
	// GenerateDKIM makes a new key instead of DKIMKey.
	GenerateDKIM bool
	PerMinute    *int
}

// storedServer is the mail server as its row has it, sealed.
type storedServer struct {
	Host                     string
	Port                     int
	TLS, Username, Password  string
	From, FromName, ReplyTo  string
	DKIMDomain, DKIMSelector string
	DKIMKey                  string
	PerMinute                int
}

const serverContext = "mail.server"

func openServer(with *secret.Sealer, text string) (*smtp.Settings, error) {
	if text == "" {
		return nil, nil
	}
	plain, err := with.Open(serverContext, text)
	if err != nil {
		return nil, fmt.Errorf("settings of the mail server: %w", err)
	}
	var s storedServer
	if err := json.Unmarshal([]byte(plain.Reveal()), &s); err != nil {
		return nil, fmt.Errorf("settings of the mail server: %w", err)
	}
	return &smtp.Settings{Host: s.Host, Port: s.Port, TLS: s.TLS, Username: s.Username, Password: secret.Of(s.Password), From: s.From, FromName: s.FromName,
		ReplyTo: s.ReplyTo, DKIMDomain: s.DKIMDomain, DKIMSelector: s.DKIMSelector, DKIMKey: secret.Of(s.DKIMKey), PerMinute: s.PerMinute}, nil
}

func sealServer(with *secret.Sealer, s *smtp.Settings) (string, error) {
	b, err := json.Marshal(storedServer{Host: s.Host, Port: s.Port, TLS: s.TLS, Username: s.Username, Password: s.Password.Reveal(), From: s.From, FromName: s.FromName,
		ReplyTo: s.ReplyTo, DKIMDomain: s.DKIMDomain, DKIMSelector: s.DKIMSelector, DKIMKey: s.DKIMKey.Reveal(), PerMinute: s.PerMinute})
	if err != nil {
		return "", fmt.Errorf("settings of the mail server: %w", err)
	}
	return with.Seal(serverContext, string(b)), nil
}

// apply puts the draft into s; smtp.Settings.Check judges the result.
func (d *ServerDraft) apply(s *smtp.Settings) error {
	before, protected := s.Host, !s.Password.IsZero()
	for _, p := range []struct{ to, from *string }{{&s.Host, d.Host}, {&s.TLS, d.TLS}, {&s.Username, d.Username}, {&s.From, d.From}, {&s.FromName, d.FromName},
		{&s.ReplyTo, d.ReplyTo}, {&s.DKIMDomain, d.DKIMDomain}, {&s.DKIMSelector, d.DKIMSelector}} {
		if p.from != nil {
			*p.to = strings.TrimSpace(*p.from)
		}
	}
	set(&s.Port, d.Port)
	set(&s.PerMinute, d.PerMinute)
	if d.Password != nil {
		s.Password = secret.Of(*d.Password)
	}
	switch {
	case d.GenerateDKIM:
		key, err := smtp.NewDKIMKey()
		if err != nil {
			return fmt.Errorf("make a DKIM key: %w", err)
		}
		s.DKIMKey = key
	case d.DKIMKey != nil:
		s.DKIMKey = secret.Of(*d.DKIMKey)
	}
	if err := s.Check(); err != nil {
		return err
	}
	if protected && d.Password == nil && !strings.EqualFold(before, s.Host) {
		return fault.New(fault.FieldRequired, "give the password again: no other server may get it").At("password")
	}
	return nil
}

// Server returns the mail server's settings.
func (d *Desk) Server(ctx context.Context, by team.Actor) (*Server, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	var out *Server
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		out, err = d.serverShown(tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("mail server: %w", err)
	}
	return out, nil
}

// serverShown is the mail server as admins see it.
func (d *Desk) serverShown(tx *db.Tx) (*Server, error) {
	r, err := d.roster(tx)
	if err != nil {
		return nil, err
	}
	out := &Server{State: Unset}
	if s := r.server; s != nil {
		out = &Server{Set: true, Host: s.Host, Port: s.Port, TLS: s.TLS, Username: s.Username, HasPassword: !s.Password.IsZero(), From: s.From, FromName: s.FromName,
			ReplyTo: s.ReplyTo, DKIMDomain: s.DKIMDomain, DKIMSelector: s.DKIMSelector, HasDKIMKey: !s.DKIMKey.IsZero(), PerMinute: s.PerMinute, State: OK}
		if out.HasDKIMKey {
			if out.DKIMRecord, err = smtp.DKIMRecord(s.DKIMKey); err != nil {
				return nil, fmt.Errorf("DKIM key: %w", err)
			}
		}
	}
	if r.unfit != nil {
		out.Set, out.State, out.Reason = true, Failing, noServerKey
	}
	targets, err := allTargets(tx)
	if err != nil {
		return nil, err
	}
	for _, t := range targets {
		if r.of(t.widget).Callback {
			continue
		}
		state, reason, waiting, err := health(tx, t)
		if err != nil {
			return nil, err
		}
		out.Waiting += waiting
		if out.State == OK && state != OK {
			out.State, out.Reason = Failing, reason
		}
	}
	return out, nil
}

// SetServer changes the mail server's settings; the first time they are made. The mails that waited go on, of all widgets.
func (d *Desk) SetServer(ctx context.Context, by team.Actor, draft ServerDraft) (*Server, error) {
	return d.changeServer(ctx, by, "change the mail server", func(tx *db.Tx) error {
		text, err := sealedServer(tx)
		if err != nil {
			return err
		}
		s, err := openServer(d.Sealer, text)
		if err != nil || s == nil { // what cannot be read any more is made anew
			s = &smtp.Settings{}
		}
		if err := draft.apply(s); err != nil {
			return err
		}
		if text, err = sealServer(d.Sealer, s); err != nil {
			return err
		}
		return saveServer(tx, text)
	})
}

// RemoveServer forgets the mail server. Mails of widgets without a callback wait from then on.
func (d *Desk) RemoveServer(ctx context.Context, by team.Actor) error {
	_, err := d.changeServer(ctx, by, "remove the mail server", removeServer)
	return err
}

func (d *Desk) changeServer(ctx context.Context, by team.Actor, what string, fn func(tx *db.Tx) error) (*Server, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	var out *Server
	err := d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		if err := delivery.Lock(tx, Deliveries, 0); err != nil { // of all widgets
			return err
		}
		if err := fn(tx); err != nil {
			return err
		}
		if err := d.changed(tx); err != nil {
			return err
		}
		targets, err := allTargets(tx)
		if err != nil {
			return err
		}
		for _, t := range targets {
			if err := resume(tx, t); err != nil {
				return err
			}
		}
		out, err = d.serverShown(tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return out, nil
}

// TestServer sends a short mail to an address, with the settings as they are saved. The fault is mail.server_unset without a server; that
// the server fails is no error.
func (d *Desk) TestServer(ctx context.Context, by team.Actor, to string) (*Tested, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	to, err := contact.NormalEmail(to)
	if err != nil || to == "" {
		return nil, fault.New(fault.FieldInvalid, "this is not an e-mail address").At("to")
	}
	r, err := d.now(ctx)
	if err != nil {
		return nil, fmt.Errorf("test the mail server: %w", err)
	}
	if r.server == nil {
		return nil, fault.New(fault.MailServerUnset, "no mail server is set up; save its settings before you test it")
	}
	start := d.DB.Now()
	text := "This is a test mail of " + d.PublicURL + ".\n\nThe mail server took it, so mails to your contacts can go out.\n"
	answer, err := smtp.Send(ctx, r.server, &smtp.Message{ID: secret.UUID() + "@" + domainOf(r.server.From), FromName: r.server.FromName, To: to, Subject: "Test mail",
		Text: text, HTML: "<p>" + strings.ReplaceAll(strings.TrimSpace(text), "\n\n", "</p>\n<p>") + "</p>\n", Date: start})
	out := &Tested{OK: err == nil, Took: d.DB.Now().Sub(start)}
	if err == nil {
		out.Status, out.Detail = answer.Code, "the mail server took the mail: "+answer.Text
		return out, nil
	}
	out.Detail = err.Error()
	if e, ok := errors.AsType[*smtp.Error](err); ok {
		out.Status = e.Code
	}
	return out, nil
}

// domainOf is what stands behind the @ of an address.
func domainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }
