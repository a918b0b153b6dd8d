package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/internal/client"
	"parley/internal/config"
)

type triggerCommand struct {
	config.Remote `embed:""`
	Type          string        `arg:"" optional:"" help:"Name of the event as the endpoint's dialect calls it, such as message.received."`
	Endpoint      int64         `help:"Call this endpoint only. Default: every endpoint that hears the event." placeholder:"ID"`
	List          bool          `help:"List the names of all events."`
	Wait          time.Duration `help:"How long to wait for the answer." default:"30s"`
}

// Validate implements kong's check of the arguments.
func (t *triggerCommand) Validate() error {
	if t.List == (t.Type != "") {
		return errors.New("name an event, or use --list")
	}
	return nil
}

// Run implements the verb.
func (t *triggerCommand) Run(c *console) error {
	remote, err := connect(t.Remote)
	if err != nil {
		return err
	}
	dialects, err := remote.Dialects(c.ctx)
	if err != nil {
		return err
	}
	if t.List {
		var rows [][]string
		for _, d := range dialects {
			for _, e := range d.Events {
				rows = append(rows, []string{d.Name, plain(e.Name), plain(e.Title)})
			}
		}
		printTable(c.out, []column{{title: "DIALECT"}, {title: "EVENT"}, {title: "WHAT HAPPENED"}}, rows)
		return nil
	}
	targets, err := t.targets(c, remote, dialects)
	if err != nil {
		return err
	}
	// All are asked before the first is waited for: one that hangs must not keep the others.
	queued := make([]int64, len(targets))
	var failed []error
	for i, e := range targets {
		if queued[i], err = remote.Test(c.ctx, e.ID, t.Type); err != nil {
			failed = append(failed, err)
		}
	}
	ctx, cancel := context.WithTimeout(c.ctx, t.Wait)
	defer cancel()
	for i, e := range targets {
		if queued[i] == 0 {
			continue
		}
		who := fmt.Sprintf("endpoint %d (%s)", e.ID, plain(e.Name))
		d, err := attempted(ctx, remote, queued[i])
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", who, err))
			continue
		}
		fmt.Fprintln(c.out, outcomeLine(who, d))
		if d.State != "delivered" {
			failed = append(failed, fmt.Errorf("%s did not take the call; see parley deliveries show %d", who, d.ID))
		}
	}
	return errors.Join(failed...)
}

// targets finds whom to call.
func (t *triggerCommand) targets(c *console, remote *client.Client, dialects []client.Dialect) ([]client.Endpoint, error) {
	if t.Endpoint != 0 {
		e, err := remote.Endpoint(c.ctx, t.Endpoint)
		if err != nil {
			return nil, err
		}
		return []client.Endpoint{*e}, nil
	}
	speaks := func(dialect string) bool {
		return slices.ContainsFunc(dialects, func(d client.Dialect) bool {
			return d.Name == dialect && slices.ContainsFunc(d.Events, func(e client.DialectEvent) bool { return e.Name == t.Type })
		})
	}
	if !slices.ContainsFunc(dialects, func(d client.Dialect) bool { return speaks(d.Name) }) {
		return nil, fmt.Errorf("there is no event %q; parley trigger --list has the names", t.Type)
	}
	all, err := remote.Endpoints(c.ctx)
	if err != nil {
		return nil, err
	}
	var out []client.Endpoint
	for _, e := range all {
		if !speaks(e.Dialect) || len(e.Events) > 0 && !slices.Contains(e.Events, t.Type) {
			continue
		}
		if e.State != "active" {
			fmt.Fprintf(c.err, "endpoint %d (%s) hears it, too, but is %s\n", e.ID, plain(e.Name), e.State)
			continue
		}
		out = append(out, e)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no active endpoint hears %s", t.Type)
	}
	return out, nil
}

// attempted waits until a delivery was tried.
func attempted(ctx context.Context, remote *client.Client, id int64) (*client.Delivery, error) {
	again := time.NewTimer(0)
	defer again.Stop()
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("delivery %d was not tried in this time; earlier calls may be waiting (parley deliveries list --state pending)", id)
		case <-again.C:
		}
		d, err := remote.Delivery(ctx, id)
		switch {
		case err != nil && ctx.Err() == nil:
			return nil, err
		case err == nil && (d.State != "pending" || len(d.AttemptLog) > 0):
			return d, nil
		}
		again.Reset(pause)
	}
}

// outcomeLine is the last attempt in a line: status, time, answer.
func outcomeLine(who string, d *client.Delivery) string {
	if len(d.AttemptLog) == 0 {
		return fmt.Sprintf("%s  %s: %s", who, d.State, plain(d.LastError))
	}
	a := d.AttemptLog[len(d.AttemptLog)-1]
	said, _, _ := strings.Cut(strings.TrimSpace(a.ResponseBody), "\n")
	if a.Status == nil {
		said = a.Error
	}
	line := fmt.Sprintf("%s  %s  %s", who, statusText(a.Status), millis(a.DurationMs))
	if said != "" {
		line += "  " + plain(said)
	}
	return cut(line, width)
}

func statusText(status *int) string {
	if status == nil {
		return "–"
	}
	return strconv.Itoa(*status)
}

func millis(ms float64) string { return strconv.FormatFloat(ms, 'f', 0, 64) + " ms" }
