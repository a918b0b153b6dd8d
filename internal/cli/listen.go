package cli

import (
	"errors"
	"fmt"
	"time"

	"parley/internal/app"
	"parley/internal/client"
	"parley/internal/config"
	"parley/internal/secret"
)

type listenCommand struct {
	config.Remote `embed:""`
	ForwardTo     string        `help:"Where to send the events, such as http://localhost:3000/hook." required:"" placeholder:"URL"`
	Types         []string      `help:"Only these event types, separated by commas. All by default." sep:"," placeholder:"TYPE"`
	After         *int64        `help:"Begin after the event of this number." xor:"begin" placeholder:"SEQ"`
	FromStart     bool          `help:"Begin with the first event that there is." xor:"begin"`
	State         string        `help:"File that keeps the place over restarts. Once it is there, it says where to begin." placeholder:"FILE"`
	Secret        secret.String `help:"Secret that signs the calls (whsec_…). Made up and printed by default; kept in the state file." placeholder:"SECRET"`
}

// Run implements the verb.
func (l *listenCommand) Run(c *console) error {
	remote, err := connect(l.Remote)
	if err != nil {
		return err
	}
	if l.State != "" { // two of them would send every event twice and each undo what the other has noted
		release, err := app.LockFile(l.State+".lock", fmt.Errorf("another listen uses %s; stop it or name another file", l.State))
		if err != nil {
			return err
		}
		defer release()
	}
	place, err := l.place(c, remote)
	if err != nil {
		return err
	}
	if _, err := secret.SigningKey(place.Secret); err != nil {
		return fmt.Errorf("--secret: %w", err)
	}
	if err := place.Save(); err != nil { // it had better fail now than after the first event
		return err
	}
	fmt.Fprintf(c.out, "Events of %s after %d go to %s. Stop with Ctrl-C.\n", place.Server, place.After, plain(l.ForwardTo))
	if l.Secret.IsZero() {
		fmt.Fprintf(c.out, "They are signed with the secret %s\n", place.Secret.Reveal())
	}
	relay := &client.Relay{
		Client: remote, To: l.ForwardTo, Types: l.Types, Place: &place, UserAgent: agent(),
		Passed: func(p client.Passed) { fmt.Fprintln(c.out, passedLine(p)) },
		Server: func(err error) {
			if err != nil {
				fmt.Fprintf(c.err, "%v; trying again until it does\n", err)
			} else {
				fmt.Fprintf(c.err, "%s is back\n", place.Server)
			}
		},
	}
	if err := relay.Run(c.ctx); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "Stopped after event %d.\n", place.After)
	return nil
}

// place finds where to begin.
func (l *listenCommand) place(c *console, remote *client.Client) (client.Place, error) {
	p := client.Place{}
	if l.State != "" {
		var known bool
		var err error
		if p, known, err = client.LoadPlace(l.State); err != nil {
			return p, err
		}
		if known {
			if p.Server != remote.Server() {
				return p, fmt.Errorf("%s holds a place in the events of %s, not of %s; name another file, or delete it to begin anew", l.State, p.Server, remote.Server())
			}
			if !l.Secret.IsZero() {
				p.Secret = l.Secret
			}
			return p, nil
		}
	}
	p.Server, p.Secret = remote.Server(), l.Secret
	if p.Secret.IsZero() {
		p.Secret = secret.NewSigning()
	}
	switch {
	case l.FromStart:
	case l.After != nil && *l.After < 0:
		return p, errors.New("--after is the number of an event, or 0")
	case l.After != nil:
		p.After = *l.After
	default: // what happens from now on
		page, err := remote.Events(c.ctx, 0, nil, 1, 0)
		if err != nil {
			return p, err
		}
		p.After = page.Seq
	}
	return p, nil
}

func passedLine(p client.Passed) string {
	status := "–"
	if p.Status != 0 {
		status = fmt.Sprint(p.Status)
	}
	line := fmt.Sprintf("%s  %6d  %-27s  %3s  %5d ms", p.At.Format(time.TimeOnly), p.Event.Seq, plain(p.Event.Type), status, p.Took.Milliseconds())
	if p.Err != nil {
		line += "  " + plain(p.Err.Error())
	}
	if p.Again > 0 {
		line += fmt.Sprintf("  again in %s", p.Again)
	}
	return line
}
