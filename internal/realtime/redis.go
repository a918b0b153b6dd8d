package realtime

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"parley/internal/secret"
)

const (
	redisChannel = "parley"
	redisWithin  = 2 * time.Second
	redisQueue   = 1024
)

// Redis passes signals between the nodes of one installation. Losing one costs a moment: the feed is in the database.
type Redis struct {
	client  *redis.Client
	channel string
	out     chan signal
	waking  atomic.Bool
}

// NewRedis connects lazily to a redis:// URL. installation separates the channels of installations that share a server.
func NewRedis(url secret.String, installation string) (*Redis, error) {
	o, err := redis.ParseURL(url.Reveal())
	if err != nil {
		return nil, fmt.Errorf("--redis is not a URL like redis://host:6379: %w", err)
	}
	o.ReadTimeout, o.WriteTimeout = redisWithin, redisWithin
	return &Redis{client: redis.NewClient(o), channel: redisChannel + ":" + installation, out: make(chan signal, redisQueue)}, nil
}

// Close ends the connections.
func (r *Redis) Close() error { return r.client.Close() }

// wake tells the other nodes to look at the feed. Calls that come before the last one was sent are one.
func (r *Redis) wake(node string) {
	if !r.waking.Swap(true) {
		r.publish(signal{Node: node, Kind: "wake"})
	}
}

// publish passes a signal on, or drops it when Redis is too slow.
func (r *Redis) publish(s signal) {
	select {
	case r.out <- s:
	default:
		if s.Kind == "wake" {
			r.waking.Store(false)
		}
	}
}

// listen sends and receives signals until ctx ends. The client connects again by itself.
func (r *Redis) listen(ctx context.Context, log *slog.Logger, receive func(signal)) {
	sub := r.client.Subscribe(ctx, r.channel)
	defer sub.Close()
	in := sub.Channel()
	for {
		select {
		case <-ctx.Done():
			return
		case m, ok := <-in:
			if !ok {
				return
			}
			var s signal
			if err := json.Unmarshal([]byte(m.Payload), &s); err != nil {
				log.Warn("a signal of another node cannot be read", "error", err)
				continue
			}
			receive(s)
		case s := <-r.out:
			if s.Kind == "wake" {
				r.waking.Store(false)
			}
			if err := r.send(ctx, s); err != nil && ctx.Err() == nil {
				log.Warn("Redis does not take signals; other nodes look at the feed by themselves", "error", err)
			}
		}
	}
}

func (r *Redis) send(ctx context.Context, s signal) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, redisWithin)
	defer cancel()
	return r.client.Publish(ctx, r.channel, b).Err()
}
