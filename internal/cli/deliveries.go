package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"parley/internal/client"
	"parley/internal/config"
)

// deliveryFilter narrows the log.
type deliveryFilter struct {
	Endpoint     int64  `help:"Only of this endpoint." placeholder:"ID"`
	State        string `help:"Only in this state: pending, delivered, dead or dropped." enum:",pending,delivered,dead,dropped" default:"" placeholder:"STATE"`
	Event        string `help:"Only of the event with this name, as the dialect calls it." placeholder:"NAME"`
	Conversation int64  `help:"Only of this conversation." placeholder:"ID"`
	From         moment `help:"Only made at this time or later: 2026-11-22, 2026-11-22T10:00:00Z, or how long ago: 2h, 7d." placeholder:"TIME"`
	To           moment `help:"Only made before this time." placeholder:"TIME"`
}

func (f *deliveryFilter) filter() client.Filter {
	return client.Filter{Endpoint: f.Endpoint, State: f.State, Event: f.Event, Conversation: f.Conversation, From: f.From.Time, To: f.To.Time}
}

type deliveriesListCommand struct {
	config.Remote  `embed:""`
	deliveryFilter `embed:""`
	Limit          int  `help:"How many at most." default:"20"`
	JSON           bool `help:"Print the objects of the API, one in a line." name:"json"`
}

// page is the greatest page that the API gives.
const page = 200

// Run implements the verb.
func (l *deliveriesListCommand) Run(c *console) error {
	if l.Limit < 1 {
		return errors.New("--limit is at least 1")
	}
	remote, err := connect(l.Remote)
	if err != nil {
		return err
	}
	var list []client.Delivery
	cursor, more := "", true
	for more && len(list) < l.Limit {
		p, err := remote.Deliveries(c.ctx, l.filter(), cursor, min(page, l.Limit-len(list)))
		if err != nil {
			return err
		}
		list = append(list, p.Items...)
		if more = p.NextCursor != nil; more {
			cursor = *p.NextCursor
		}
	}
	if l.JSON {
		for _, d := range list {
			if err := printJSON(c, d.Raw, ""); err != nil {
				return err
			}
		}
		return nil
	}
	if len(list) == 0 {
		fmt.Fprintln(c.out, "No delivery matches.")
		return nil
	}
	printDeliveries(c, list)
	if more {
		fmt.Fprintln(c.out, "There are more; --limit shows them.")
	}
	return nil
}

func printDeliveries(c *console, list []client.Delivery) {
	var rows [][]string
	for _, d := range list {
		conversation := ""
		if d.ConversationID != nil {
			conversation = strconv.FormatInt(*d.ConversationID, 10)
		}
		answer := statusText(d.LastStatus)
		if d.LastStatus == nil && d.Attempts == 0 {
			answer = ""
		}
		if d.LastStatus == nil && d.LastError != "" {
			answer = d.LastError
		}
		rows = append(rows, []string{
			strconv.FormatInt(d.ID, 10), d.CreatedAt.UTC().Format(time.DateTime), strconv.FormatInt(d.EndpointID, 10), plain(d.EventName),
			conversation, plain(d.State), strconv.Itoa(d.Attempts), plain(answer),
		})
	}
	printTable(c.out, []column{
		{title: "ID", right: true}, {title: "MADE (UTC)"}, {title: "TO", right: true}, {title: "EVENT", most: 27},
		{title: "CONV", right: true}, {title: "STATE"}, {title: "TRIES", right: true}, {title: "ANSWER"},
	}, rows)
}

// printJSON prints an object of the API: in one line, or with an indent.
func printJSON(c *console, raw json.RawMessage, indent string) error {
	var b bytes.Buffer
	err := json.Compact(&b, raw)
	if indent != "" {
		b.Reset()
		err = json.Indent(&b, raw, "", indent)
	}
	if err != nil {
		return fmt.Errorf("print the answer: %w", err)
	}
	fmt.Fprintln(c.out, b.String())
	return nil
}

type deliveriesShowCommand struct {
	config.Remote `embed:""`
	ID            int64 `arg:"" help:"Number of the delivery."`
	JSON          bool  `help:"Print the object of the API." name:"json"`
}

// Run implements the verb.
func (s *deliveriesShowCommand) Run(c *console) error {
	remote, err := connect(s.Remote)
	if err != nil {
		return err
	}
	d, err := remote.Delivery(c.ctx, s.ID)
	if err != nil {
		return err
	}
	if s.JSON {
		return printJSON(c, d.Raw, "  ")
	}
	say := func(name, format string, args ...any) {
		fmt.Fprintf(c.out, "%-14s%s\n", name, plain(fmt.Sprintf(format, args...)))
	}
	say("Delivery", "%d, %s", d.ID, d.WebhookID)
	if d.Event.Seq != 0 {
		say("Event", "%d, %s", d.Event.Seq, d.EventName)
	} else {
		say("Event", "a test call of %s", d.EventName)
	}
	say("Endpoint", "%d", d.EndpointID)
	if d.ConversationID != nil {
		say("Conversation", "%d", *d.ConversationID)
	}
	if d.ReplayOf != nil {
		say("Replay of", "%d", *d.ReplayOf)
	}
	say("Made", "%s", clock(d.CreatedAt))
	say("State", "%s after %s", d.State, count(d.Attempts, "attempt", "attempts"))
	if d.NextAttemptAt != nil {
		say("Next attempt", "%s", clock(*d.NextAttemptAt))
	}
	if d.LastError != "" {
		say("Last error", "%s", d.LastError)
	}

	fmt.Fprintln(c.out)
	if d.Request.URL == "" {
		say("Request", "not made yet")
	} else {
		say("Request", "POST %s", d.Request.URL)
	}
	printMessage(c, d.Request.Headers, d.Request.Body)
	for _, a := range d.AttemptLog {
		fmt.Fprintln(c.out)
		say(fmt.Sprintf("Attempt %d", a.Number), "%s, %s, %s: %s", clock(a.StartedAt), statusText(a.Status), millis(a.DurationMs), a.Outcome)
		if a.Error != "" {
			say("", "%s", a.Error)
		}
		if a.RetryAt != nil {
			say("", "next try %s", clock(*a.RetryAt))
		}
		printMessage(c, a.ResponseHeaders, a.ResponseBody)
	}
	return nil
}

// clock shows a time of the log.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000 UTC") }

// printMessage prints the head and the body of a request or an answer.
func printMessage(c *console, headers map[string]string, body string) {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		indented(c.out, plain(name+": "+headers[name]))
	}
	if body != "" {
		if len(headers) > 0 {
			fmt.Fprintln(c.out)
		}
		indented(c.out, plainText(body))
	}
}

// selection is which deliveries shall go out again: some by their numbers, or all of an endpoint that a filter names.
type selection struct {
	config.Remote  `embed:""`
	deliveryFilter `embed:""`
	IDs            []int64 `arg:"" optional:"" name:"id" help:"Numbers of deliveries."`
	DryRun         bool    `help:"Only say how many there are."`
	Yes            bool    `help:"Do not ask."`
	JSON           bool    `help:"Print the deliveries as objects of the API, one in a line." name:"json"`
}

// Validate implements kong's check of the arguments.
func (s *selection) Validate() error {
	filtered := s.deliveryFilter != (deliveryFilter{})
	switch {
	case len(s.IDs) > 0 && filtered:
		return errors.New("give numbers of deliveries, or --endpoint and filters, not both")
	case len(s.IDs) == 0 && s.Endpoint == 0:
		return errors.New("give numbers of deliveries, or --endpoint and what else to filter by")
	}
	return nil
}

type deliveriesReplayCommand struct {
	selection `embed:""`
}

// Run implements the verb.
func (r *deliveriesReplayCommand) Run(c *console) error {
	return r.again(c, "to send once more", (*client.Client).Replay, (*client.Client).ReplayAll)
}

type deliveriesReviveCommand struct {
	selection `embed:""`
}

// Run implements the verb.
func (r *deliveriesReviveCommand) Run(c *console) error {
	return r.again(c, "to try again", (*client.Client).Revive, (*client.Client).ReviveAll)
}

// again counts, asks, and lets what was selected go out again, by calls of the API for one delivery and for all of a filter.
func (s *selection) again(c *console, purpose string, one func(*client.Client, context.Context, int64) (*client.Delivery, error),
	all func(*client.Client, context.Context, client.Filter, bool) (int64, error)) error {
	remote, err := connect(s.Remote)
	if err != nil {
		return err
	}
	n := int64(len(s.IDs))
	if n == 0 {
		if n, err = all(remote, c.ctx, s.filter(), true); err != nil {
			return err
		}
	}
	// With --json the objects alone are the output.
	said := c.out
	if s.JSON {
		said = c.err
	}
	fmt.Fprintf(said, "%s %s.\n", deliveries(n), purpose)
	if n == 0 || s.DryRun {
		return nil
	}
	if !s.Yes {
		if !c.asks {
			return errors.New("nobody is at the terminal to ask; --yes sends them without asking")
		}
		if !c.confirm("Go on?") {
			return errors.New("nothing was sent")
		}
	}
	if len(s.IDs) == 0 {
		if n, err = all(remote, c.ctx, s.filter(), false); err != nil {
			return err
		}
		fmt.Fprintf(said, "%s queued.\n", deliveries(n))
		return nil
	}
	var failed []error
	for _, id := range s.IDs {
		d, err := one(remote, c.ctx, id)
		switch {
		case err != nil:
			failed = append(failed, err)
		case s.JSON:
			failed = append(failed, printJSON(c, d.Raw, ""))
		case d.ID == id:
			fmt.Fprintf(c.out, "Delivery %d is tried again.\n", id)
		default:
			fmt.Fprintf(c.out, "Delivery %d goes out again as %d.\n", id, d.ID)
		}
	}
	return errors.Join(failed...)
}

func deliveries(n int64) string { return count(n, "delivery", "deliveries") }

func count[T int | int64](n T, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
