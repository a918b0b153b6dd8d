package visitor

import (
	"net/http"
	"time"

	"parley/internal/contact"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/httpapi"
	"parley/internal/limit"
)

// How often the visitors of one address may have a conversation go on elsewhere: each time a message goes to an e-mail address that
// nobody has verified.
const (
	movesBurst = 5
	movesEvery = time.Minute
)

func newMoves(now func() time.Time) *limit.Limiter {
	return limit.New(limit.Options{Every: movesEvery, Burst: movesBurst, Keys: 50_000, Now: now})
}

// offers are the channels on which visitors of the widget can go on.
func (e *edge) offers(r *http.Request, w *event.Widget) ([]wireOffer, error) {
	out := []wireOffer{}
	if e.Channels == nil {
		return out, nil
	}
	list, err := e.Channels.Offers(r.Context(), w.ID)
	for _, o := range list {
		out = append(out, wireOffer{o.ID, o.Name, o.Type})
	}
	return out, err
}

// goOn lets a conversation go on on a channel (S-064).
func (e *edge) goOn(w http.ResponseWriter, r *http.Request, v contact.Visitor) error {
	conversation, err := conversationID(r)
	if err != nil {
		return err
	}
	var in wireMove
	if err := httpapi.DecodeStrict(w, r, &in); err != nil {
		return err
	}
	if e.Channels == nil {
		return fault.New(fault.ChannelNotOffered, "this server has no channels").At("channel_id")
	}
	if wait, ok := e.moves.Allow(httpapi.ClientKey(r.Context())); !ok {
		return fault.New(fault.RequestLimited, "too many conversations of this address went on elsewhere").After(wait)
	}
	c, err := e.Channels.Continue(r.Context(), v.Contact, conversation, in.ChannelID, in.Email)
	if err != nil {
		return err
	}
	return respond(w, r, http.StatusOK, wireOwn{e.conversationOf(c)})
}
