package mail

import "context"

// Bounced is what a refused receiver leads to.
func (d *Desk) Bounced(ctx context.Context, b *Bounce) { d.bounced(ctx, b) }

// WithoutAddress is what events tell of a refusal.
func WithoutAddress(reason, address string) string { return withoutAddress(reason, address) }
