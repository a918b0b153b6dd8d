package client

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Events reads the feed after a place. With a wait (up to 30 s) it waits for the first event.
func (c *Client) Events(ctx context.Context, after int64, types []string, limit int, wait time.Duration) (*EventPage, error) {
	q := url.Values{"after": {number(after)}, "limit": {strconv.Itoa(limit)}}
	if len(types) > 0 {
		q.Set("types", strings.Join(types, ","))
	}
	if wait > 0 {
		q.Set("wait", strconv.Itoa(int(wait/time.Second)))
	}
	var p EventPage
	if err := c.get(ctx, "/events", q, wait, &p); err != nil {
		return nil, fmt.Errorf("read the event feed: %w", err)
	}
	return &p, nil
}

// Dialects lists the dialects and their events.
func (c *Client) Dialects(ctx context.Context) ([]Dialect, error) {
	var l itemList[Dialect]
	if err := c.get(ctx, "/dialects", nil, 0, &l); err != nil {
		return nil, fmt.Errorf("list the dialects: %w", err)
	}
	return l.Items, nil
}

// Endpoints lists all endpoints.
func (c *Client) Endpoints(ctx context.Context) ([]Endpoint, error) {
	var l itemList[Endpoint]
	if err := c.get(ctx, "/endpoints", nil, 0, &l); err != nil {
		return nil, fmt.Errorf("list the endpoints: %w", err)
	}
	return l.Items, nil
}

// Endpoint reads one endpoint.
func (c *Client) Endpoint(ctx context.Context, id int64) (*Endpoint, error) {
	var e Endpoint
	if err := c.get(ctx, "/endpoints/"+number(id), nil, 0, &e); err != nil {
		return nil, fmt.Errorf("read endpoint %d: %w", id, err)
	}
	return &e, nil
}

// Test lets the server make a test call of the event and returns its delivery.
func (c *Client) Test(ctx context.Context, endpoint int64, event string) (int64, error) {
	var out testAnswer
	if err := c.post(ctx, "/endpoints/"+number(endpoint)+"/test", testInput{Event: event}, &out); err != nil {
		return 0, fmt.Errorf("test endpoint %d: %w", endpoint, err)
	}
	return out.DeliveryID, nil
}

// Filter narrows the log; zero values do not. From and To mean the time of the event, From included, To not.
type Filter struct {
	Endpoint     int64
	State        string
	Event        string
	Conversation int64
	From, To     time.Time
}

// Deliveries reads a page of the log, newest first.
func (c *Client) Deliveries(ctx context.Context, f Filter, cursor string, limit int) (*DeliveryPage, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	set := func(name, value string, given bool) {
		if given {
			q.Set(name, value)
		}
	}
	set("endpoint_id", number(f.Endpoint), f.Endpoint != 0)
	set("state", f.State, f.State != "")
	set("event_name", f.Event, f.Event != "")
	set("conversation_id", number(f.Conversation), f.Conversation != 0)
	set("from", f.From.UTC().Format(time.RFC3339Nano), !f.From.IsZero())
	set("to", f.To.UTC().Format(time.RFC3339Nano), !f.To.IsZero())
	set("cursor", cursor, cursor != "")
	var p DeliveryPage
	if err := c.get(ctx, "/deliveries", q, 0, &p); err != nil {
		return nil, fmt.Errorf("list the deliveries: %w", err)
	}
	return &p, nil
}

// Delivery reads one delivery with its request and attempts.
func (c *Client) Delivery(ctx context.Context, id int64) (*Delivery, error) {
	var d Delivery
	if err := c.get(ctx, "/deliveries/"+number(id), nil, 0, &d); err != nil {
		return nil, fmt.Errorf("read delivery %d: %w", id, err)
	}
	return &d, nil
}

// Replay sends one delivery once more and returns the new one.
func (c *Client) Replay(ctx context.Context, id int64) (*Delivery, error) {
	return c.again(ctx, "replay", id)
}

// Revive lets a dead delivery be tried again and returns it.
func (c *Client) Revive(ctx context.Context, id int64) (*Delivery, error) {
	return c.again(ctx, "revive", id)
}

func (c *Client) again(ctx context.Context, verb string, id int64) (*Delivery, error) {
	var out deliveryAnswer
	if err := c.post(ctx, "/deliveries/"+number(id)+"/"+verb, nil, &out); err != nil {
		return nil, fmt.Errorf("%s delivery %d: %w", verb, id, err)
	}
	return &out.Delivery, nil
}

// ReplayAll sends every finished delivery of an endpoint that the filter names once more, and returns how many they are; a
// dry run only counts.
func (c *Client) ReplayAll(ctx context.Context, f Filter, dryRun bool) (int64, error) {
	return c.allAgain(ctx, "replay", f, dryRun)
}

// ReviveAll lets every dead delivery of an endpoint that the filter names be tried again, and returns how many they are; a dry
// run only counts.
func (c *Client) ReviveAll(ctx context.Context, f Filter, dryRun bool) (int64, error) {
	return c.allAgain(ctx, "revive", f, dryRun)
}

func (c *Client) allAgain(ctx context.Context, verb string, f Filter, dryRun bool) (int64, error) {
	in := replayInput{EndpointID: f.Endpoint, State: f.State, EventName: f.Event, ConversationID: f.Conversation, DryRun: dryRun,
		From: timeOrNil(f.From), To: timeOrNil(f.To)}
	var out countAnswer
	if err := c.post(ctx, "/deliveries/"+verb, in, &out); err != nil {
		return 0, fmt.Errorf("%s deliveries: %w", verb, err)
	}
	return out.Count, nil
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
