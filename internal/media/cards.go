package media

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/outhttp"
	"parley/internal/secret"
)

const (
	// pageTime bounds the reading of a page, and again that of its picture; pageHops the redirects of each.
	pageTime = 5 * time.Second
	pageHops = 3
	// pageBytes is how much of a page is read, and imageBytes how large its picture may be.
	pageBytes  = 512 << 10
	imageBytes = 5 << 20
	// cardFor is how long what a page says is taken for current, and noneFor how long that it says nothing.
	cardFor = 24 * time.Hour
	noneFor = time.Hour
	// askedMost is how many pages are read for one conversation within askedIn: every card takes room on the disk for as long as its
	// message stands, and a place of the worker. The addresses of further messages stay plain links.
	askedMost = 20
	askedIn   = 10 * time.Minute
	// lateAfter is how long a page may wait for its turn. Then it says nothing: nobody looks at the message any more.
	lateAfter = 10 * time.Minute
)

// Card returns the card of the first address in a message's text as part of tx: what is known, and nil with the message put down
// to hear of it where the page has to be read first, or nil when the text names none. It costs nothing without an address, and
// a few statements with one. A card that has become old is returned and its page is read again. A conversation that asks for more than
// askedMost pages within askedIn has no card of the others.
func (d *Desk) Card(tx *db.Tx, text string, conversation id.Conversation, message id.Message) (*event.LinkCard, id.LinkCard, error) {
	url := FirstURL(text)
	if url == "" {
		return nil, 0, nil
	}
	out, c, err := d.card(tx, url, conversation, message)
	if err != nil {
		return nil, 0, fmt.Errorf("link card of message %d: %w", message, err)
	}
	return out, c, nil
}

func (d *Desk) card(tx *db.Tx, url string, conversation id.Conversation, message id.Message) (*event.LinkCard, id.LinkCard, error) {
	c, err := cardByURL(tx, url)
	if err != nil {
		return nil, 0, err
	}
	asked := false
	if c == nil {
		if asked, err = addCard(tx, url, conversation); err != nil {
			return nil, 0, err
		}
		// Read again: another node may have been quicker.
		if c, err = cardByURL(tx, url); err != nil {
			return nil, 0, err
		}
		if c == nil {
			return nil, 0, unwait(tx, message)
		}
	}
	if c.state != cardWaiting && c.due <= db.Micros(tx.Now()) {
		if asked, err = askAgain(tx, c, conversation); err != nil {
			return nil, 0, err
		}
	}
	if asked {
		tx.OnCommit(d.work.cards.wake)
	}
	if asked || c.state == cardWaiting {
		err = wait(tx, message, conversation, c.id)
	} else {
		err = unwait(tx, message) // an edited message may wait for what its text named before
	}
	if err != nil || !c.shows() {
		return nil, 0, err
	}
	known, err := display(tx, []*card{c})
	if err != nil || known[c.id] == nil {
		return nil, 0, err
	}
	return known[c.id], c.id, nil
}

// CardByID returns a card as part of tx, nil when it has nothing to show.
func CardByID(tx *db.Tx, c id.LinkCard) (*event.LinkCard, error) {
	known, err := Cards(tx, c)
	return known[c], err
}

// fetchCard reads a page and its picture. A page that cannot be read says nothing; what it said before stays.
func (d *Desk) fetchCard(ctx context.Context, e errand) (func(context.Context, *db.Tx) error, error) {
	var before *card
	var source string // of the picture that is there
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		if before, err = cardByID(tx, id.LinkCard(e.id)); err != nil {
			return err
		}
		source, err = imageSource(tx, before.image)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read link card %d: %w", e.id, err)
	}
	p, err := d.readAddress(ctx, e.url)
	if err != nil {
		d.Logger.Info("a page could not be read for its link card", "card", e.id, "host", hostOf(e.url), "error", err)
	}
	defer p.close()
	next := &card{state: cardReady, title: p.title, description: p.description, site: p.site}
	var added *event.Media
	switch {
	case p.picture == nil && p.image != "" && p.image == source:
		next.image = before.image
	case p.picture == nil && p.image != "":
		if p.picture, err = d.readImage(ctx, p.image); err != nil {
			d.Logger.Info("the picture of a page could not be read", "card", e.id, "host", hostOf(p.image), "error", err)
			next.image = before.image
		}
	}
	if p.picture != nil {
		if added, err = d.addImage(ctx, e.id, p.picture, p.image); err != nil {
			d.Logger.Warn("the picture of a link card could not be stored", "card", e.id, "error", err)
			added = nil
		}
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil, ctx.Err()
	}
	return func(_ context.Context, tx *db.Tx) error {
		if err := d.settleCard(tx, e, before, next, added); err != nil {
			return fmt.Errorf("store link card %d: %w", e.id, err)
		}
		return nil
	}, nil
}

// settleCard stores what became of a card. Messages that have nothing new to hear wait no longer; the others are told one by one, later.
func (d *Desk) settleCard(tx *db.Tx, e errand, before, next *card, added *event.Media) error {
	image := next.image
	if added != nil {
		ok, err := storeImage(tx, added.ID)
		if err != nil {
			return err
		}
		if ok {
			image = added.ID
		}
	}
	result := *next
	result.image = image
	switch {
	case !result.shows() && before.shows():
		if err := keepCard(tx, e, cardReady, tx.Now().Add(noneFor)); err != nil {
			return err
		}
		return dropWaits(tx, e.id)
	case !result.shows():
		result = card{state: cardNone}
		if _, err := setCard(tx, e, &result, tx.Now().Add(noneFor)); err != nil {
			return err
		}
		return dropWaits(tx, e.id)
	}
	ok, err := setCard(tx, e, &result, tx.Now().Add(cardFor))
	if err != nil {
		return err
	}
	if !ok { // another's by now
		if image != 0 && image != before.image {
			return d.Remove(tx, image)
		}
		return nil
	}
	if before.image != 0 && before.image != image {
		return d.Remove(tx, before.image)
	}
	if before.title == result.title && before.description == result.description && before.site == result.site && before.image == image {
		return dropWaits(tx, e.id)
	}
	return nil
}

// read is what an address led to: a page, or a picture.
type read struct {
	page
	picture *arrival // small already, nil for none
}

func (r *read) close() {
	if r.picture != nil {
		r.picture.close()
	}
}

// readAddress reads what stands behind an address. What came of a page before an error counts. Close what it returns, with an error, too.
func (d *Desk) readAddress(ctx context.Context, raw string) (*read, error) {
	out := &read{}
	u, refused := CheckRemoteURL(raw)
	if refused != nil {
		return out, refused
	}
	s, err := d.HTTP.Get(ctx, outhttp.Download{URL: u, Accept: "text/html, application/xhtml+xml, image/*;q=0.9, */*;q=0.1", Timeout: pageTime, Limit: imageBytes, Redirects: pageHops, Ranges: d.CardRanges})
	if err != nil {
		return out, err
	}
	defer s.Close()
	if s.Status != http.StatusOK {
		return out, fmt.Errorf("the server answered %d", s.Status)
	}
	said := s.Header.Get("Content-Type")
	mediaType, _, err := mime.ParseMediaType(said)
	switch {
	case err != nil && said != "":
		return out, fmt.Errorf("content type %.80q: %w", said, err)
	case mediaType == "text/html", mediaType == "application/xhtml+xml", said == "":
		out.page = readPage(io.LimitReader(s, pageBytes), said, s.URL)
		if out.title == "" && out.image == "" {
			break
		}
		if out.site == "" {
			out.site = clean(siteOf(s.URL), maxSite)
		}
	case strings.HasPrefix(mediaType, "image/"):
		if out.picture, err = d.small(ctx, s); err != nil {
			return out, err
		}
		out.page = page{title: clean(nameOf(s.URL), maxTitle), site: clean(siteOf(s.URL), maxSite), image: u.String()}
	}
	return out, nil
}

// readImage fetches the picture of a page and makes it small. Close what it returns.
func (d *Desk) readImage(ctx context.Context, raw string) (*arrival, error) {
	u, refused := CheckRemoteURL(raw)
	if refused != nil {
		return nil, refused
	}
	s, err := d.HTTP.Get(ctx, outhttp.Download{URL: u, Accept: "image/*", Timeout: pageTime, Limit: imageBytes, Redirects: pageHops, Ranges: d.CardRanges})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if s.Status != http.StatusOK {
		return nil, fmt.Errorf("the server answered %d", s.Status)
	}
	return d.small(ctx, s)
}

// small reads a picture and keeps the small one that is made of it, nothing else. Close what it returns.
func (d *Desk) small(ctx context.Context, s *outhttp.Stream) (*arrival, error) {
	if s.Size > imageBytes {
		return nil, outhttp.ErrTooLarge
	}
	whole, err := d.receive(s, imageBytes)
	if err != nil {
		return nil, err
	}
	defer whole.close()
	whole.from = siteOf(s.URL)
	if err := d.examine(ctx, whole, cmp.Or(nameOf(s.URL), "image")); err != nil {
		return nil, err
	}
	if whole.thumb == nil {
		return nil, errors.New("it is no picture that can be shown")
	}
	bytesOf, size, err := smaller(whole.thumb)
	if err != nil {
		return nil, fmt.Errorf("make the picture of a card: %w", err)
	}
	out, err := d.receive(bytes.NewReader(bytesOf), int64(len(bytesOf)))
	if err != nil {
		return nil, err
	}
	out.kind, out.contentType, out.width, out.height = event.MediaImage, "image/jpeg", size.X, size.Y
	out.name = fitName("preview", out.contentType, out.kind, ".jpg")
	return out, nil
}

// addImage puts a small picture into the store. The row is "writing" until the card has it, so that the purge finds what is left behind.
func (d *Desk) addImage(ctx context.Context, card int64, in *arrival, source string) (*event.Media, error) {
	m := in.media(secret.Token(""))
	err := d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		return insertMedia(tx, m, stateWriting, 0, Owner{OwnedByLink, card}, source, tx.Now().Add(writingFor))
	})
	if err != nil {
		return nil, err
	}
	return m, d.save(ctx, m.Key, in)
}

// tell tells the messages that wait for a card that is settled, each in a transaction of its own.
func (d *Desk) tell(ctx context.Context) error { return d.tellOf(ctx, errand{}) }

// tellOf is tell for one card. Messages that begin to wait later are found by tell.
func (d *Desk) tellOf(ctx context.Context, e errand) error {
	for {
		var list []waiting
		err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
			list, err = waits(tx, e.id, tellBatch)
			return err
		})
		if err != nil {
			return fmt.Errorf("find messages that wait for link cards: %w", err)
		}
		var errs []error
		for _, w := range list {
			if err := d.tellOne(ctx, w); err != nil {
				errs = append(errs, fmt.Errorf("tell message %d of link card %d: %w", w.message, w.card, err))
			}
		}
		if len(list) < tellBatch || len(errs) > 0 {
			return errors.Join(errs...)
		}
	}
}

// tellOne tells a message of its card. A message that cannot be told is let go after some tries, so that it does not stand before others
// for ever. What posts and edits locks the conversation and then what waits in it: so does this.
func (d *Desk) tellOne(ctx context.Context, w waiting) error {
	err := safely(func() error {
		return d.DB.UpdateAside(ctx, func(ctx context.Context, tx *db.Tx) error {
			if err := lockOf(tx, w.conversation); err != nil {
				return err
			}
			ok, err := told(tx, w)
			if err != nil || !ok || w.state != cardReady || d.Changed == nil {
				return err
			}
			return d.Changed(ctx, tx, w.conversation, w.message, event.ChangedLink, w.card)
		})
	})
	if err == nil || ctx.Err() != nil {
		return err
	}
	var over bool
	counted := d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		over, err = notTold(tx, w)
		return err
	})
	if over {
		d.Logger.Error("a message is not told of its link card any more", "message", w.message, "card", w.card, "error", err)
	}
	return errors.Join(err, counted)
}

// giveUpLate gives pages up that waited too long for their turn.
func (d *Desk) giveUpLate(ctx context.Context) error {
	for {
		var list []errand
		err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
			list, err = lateCards(tx, tx.Now().Add(-lateAfter), cardBatch)
			return err
		})
		if err != nil || len(list) == 0 {
			return err
		}
		err = d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
			for _, e := range list {
				if err := giveUpCard(tx, e); err != nil {
					return fmt.Errorf("give link card %d up: %w", e.id, err)
				}
			}
			return nil
		})
		if err != nil || len(list) < cardBatch {
			return err
		}
	}
}

// forgetCards removes cards that are old and that no message shows, with their pictures.
func (d *Desk) forgetCards(ctx context.Context) error {
	var after id.LinkCard
	for {
		var list []id.LinkCard
		err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
			list, err = unneededCards(tx, after, cardBatch)
			return err
		})
		if err != nil || len(list) == 0 {
			return err
		}
		err = d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
			for _, c := range list {
				image, err := forgetCard(tx, c)
				if err == nil && image != 0 {
					err = d.Remove(tx, image)
				}
				if err != nil {
					return fmt.Errorf("forget link card %d: %w", c, err)
				}
			}
			return nil
		})
		if err != nil || len(list) < cardBatch {
			return err
		}
		after = list[len(list)-1]
	}
}

// absolute is where an address of a page leads, "" for nowhere that we would call.
func absolute(base *url.URL, raw string) string {
	u, err := base.Parse(strings.TrimSpace(raw))
	if err != nil {
		return ""
	}
	checked, refused := CheckRemoteURL(u.String())
	if refused != nil {
		return ""
	}
	return checked.String()
}
