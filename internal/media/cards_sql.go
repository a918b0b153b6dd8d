package media

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

// States of link cards. What a card said before stays while its page is read again.
const (
	cardWaiting = "waiting"
	cardReady   = "ready"
	cardNone    = "none"
)

const cardColumns = `c.id, c.url, c.state, c.title, c.description, c.site, COALESCE(c.image_id, 0), c.due_at`

const (
	sqlCardByURL = `SELECT ` + cardColumns + ` FROM link_cards c WHERE c.url = $1`
	sqlCardByID  = `SELECT ` + cardColumns + ` FROM link_cards c WHERE c.id = $1`
	sqlAddCard   = `INSERT INTO link_cards (url, host, state, title, description, site, conversation_id, asked_at, due_at, fetched_at)
SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), 'waiting', '', '', '', CAST($3 AS BIGINT), CAST($4 AS BIGINT), CAST($4 AS BIGINT), 0
WHERE (SELECT COUNT(*) FROM link_cards WHERE conversation_id = $3 AND asked_at > $5) < $6 ON CONFLICT (url) DO NOTHING`
	sqlAskAgain = `UPDATE link_cards SET state = 'waiting', host = $2, conversation_id = $3, asked_at = $4, due_at = $4, tries = 0 WHERE id = $1 AND state <> 'waiting'
  AND (SELECT COUNT(*) FROM link_cards WHERE conversation_id = $3 AND asked_at > $5) < $6`
	sqlWait = `INSERT INTO link_waits (message_id, conversation_id, card_id) VALUES ($1, $2, $3)
ON CONFLICT (message_id) DO UPDATE SET card_id = excluded.card_id, tries = 0`
	sqlUnwait   = `DELETE FROM link_waits WHERE message_id = $1`
	sqlDueCards = `SELECT id, due_at, tries, host, url FROM link_cards
WHERE state = 'waiting' AND due_at <= $1 AND (due_at > $2 OR due_at = $2 AND id > $3) AND host NOT IN ($4, $5, $6, $7) ORDER BY due_at, id LIMIT $8`
	sqlLateCards  = `SELECT id, due_at FROM link_cards WHERE state = 'waiting' AND due_at < $1 ORDER BY due_at, id LIMIT $2`
	sqlCardBack   = `UPDATE link_cards SET due_at = $3, tries = tries - 1 WHERE id = $1 AND state = 'waiting' AND due_at = $2`
	sqlGiveUpCard = `UPDATE link_cards SET state = CASE WHEN title <> '' OR image_id IS NOT NULL THEN 'ready' ELSE 'none' END, due_at = $3
WHERE id = $1 AND state = 'waiting' AND due_at = $2`
	sqlClaimCard = `UPDATE link_cards SET due_at = $3, tries = tries + 1 WHERE id = $1 AND state = 'waiting' AND due_at = $2`
	sqlSetCard   = `UPDATE link_cards SET state = $3, title = $4, description = $5, site = $6, image_id = $7, due_at = $8, fetched_at = $9
WHERE id = $1 AND state = 'waiting' AND due_at = $2`
	sqlKeepCard    = `UPDATE link_cards SET state = $3, due_at = $4, fetched_at = $5 WHERE id = $1 AND state = 'waiting' AND due_at = $2`
	sqlStoreImage  = `UPDATE media SET state = 'stored', due_at = 0 WHERE id = $1 AND state = 'writing'`
	sqlImageSource = `SELECT source_url FROM media WHERE id = $1 AND state = 'stored'`
	sqlDropWaits   = `DELETE FROM link_waits WHERE card_id = $1`
	sqlWaits       = `SELECT w.message_id, w.conversation_id, w.card_id, c.state FROM link_waits w JOIN link_cards c ON c.id = w.card_id
WHERE c.state <> 'waiting' ORDER BY w.message_id LIMIT $1`
	sqlWaitsOf = `SELECT w.message_id, w.conversation_id, w.card_id, c.state FROM link_waits w JOIN link_cards c ON c.id = w.card_id
WHERE w.card_id = $1 AND c.state <> 'waiting' ORDER BY w.message_id LIMIT $2`
	sqlTold      = `DELETE FROM link_waits WHERE message_id = $1 AND card_id = $2`
	sqlNotTold   = `UPDATE link_waits SET tries = tries + 1 WHERE message_id = $1 AND card_id = $2`
	sqlNeverTold = `DELETE FROM link_waits WHERE message_id = $1 AND card_id = $2 AND tries >= $3`
	// Only what is no longer current goes: who shows such a card asks for it again, and so it waits.
	unneeded = `link_cards.state <> 'waiting' AND link_cards.due_at < $2
  AND NOT EXISTS (SELECT 1 FROM messages WHERE messages.link_id = link_cards.id AND messages.link_id IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM link_waits WHERE link_waits.card_id = link_cards.id)`
	sqlUnneeded   = `SELECT id FROM link_cards WHERE id > $1 AND ` + unneeded + ` ORDER BY id LIMIT $3`
	sqlForgetCard = `DELETE FROM link_cards WHERE id = $1 AND ` + unneeded + ` RETURNING COALESCE(image_id, 0)`
)

// card is a row.
type card struct {
	id                       id.LinkCard
	url                      string
	state                    string
	title, description, site string
	image                    id.Media
	due                      int64
}

// shows reports whether there is something to show.
func (c *card) shows() bool { return c.title != "" || c.image != 0 }

func scanCard(r db.Scanner) (*card, error) {
	c := &card{}
	err := r.Scan(&c.id, &c.url, &c.state, &c.title, &c.description, &c.site, &c.image, &c.due)
	return c, err
}

// cardByURL returns the card of an address, nil when there is none.
func cardByURL(tx *db.Tx, url string) (*card, error) {
	c, err := db.First(tx, sqlCardByURL, []any{url}, scanCard)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	return c, err
}

func cardByID(tx *db.Tx, c id.LinkCard) (*card, error) {
	return db.First(tx, sqlCardByID, []any{int64(c)}, scanCard)
}

// Cards returns the link cards with these ids that have something to show, as part of tx.
func Cards(tx *db.Tx, ids ...id.LinkCard) (map[id.LinkCard]*event.LinkCard, error) {
	if len(ids) == 0 {
		return map[id.LinkCard]*event.LinkCard{}, nil
	}
	var q strings.Builder
	args := make([]any, len(ids))
	q.WriteString(`SELECT ` + cardColumns + ` FROM link_cards c WHERE c.id IN (`)
	for i, v := range ids {
		if i > 0 {
			q.WriteString(", ")
		}
		q.WriteString("$" + strconv.Itoa(i+1))
		args[i] = int64(v)
	}
	q.WriteString(")")
	list, err := db.All(tx, q.String(), args, scanCard)
	if err != nil {
		return nil, fmt.Errorf("read %d link cards: %w", len(ids), err)
	}
	return display(tx, list)
}

// display returns what there is to show of cards, with their pictures.
func display(tx *db.Tx, list []*card) (map[id.LinkCard]*event.LinkCard, error) {
	out := make(map[id.LinkCard]*event.LinkCard, len(list))
	var images []id.Media
	for _, c := range list {
		if c.image != 0 {
			images = append(images, c.image)
		}
	}
	files, err := Files(tx, images...)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		image := files[c.image]
		if c.title != "" || image != nil {
			out[c.id] = &event.LinkCard{URL: c.url, Title: c.title, Description: c.description, Site: c.site, Image: image}
		}
	}
	return out, nil
}

// addCard puts an address down to be read, unless somebody else does so at the same time or the conversation asks for too much.
func addCard(tx *db.Tx, url string, conversation id.Conversation) (bool, error) {
	n, err := tx.Exec(sqlAddCard, url, hostOf(url), int64(conversation), db.Micros(tx.Now()), db.Micros(tx.Now().Add(-askedIn)), askedMost)
	return n > 0, err
}

// askAgain lets a page be read again, under the same conditions.
func askAgain(tx *db.Tx, c *card, conversation id.Conversation) (bool, error) {
	n, err := tx.Exec(sqlAskAgain, int64(c.id), hostOf(c.url), int64(conversation), db.Micros(tx.Now()), db.Micros(tx.Now().Add(-askedIn)), askedMost)
	return n > 0, err
}

// wait lets a message hear of a card, and of no other.
func wait(tx *db.Tx, message id.Message, conversation id.Conversation, c id.LinkCard) error {
	_, err := tx.Exec(sqlWait, int64(message), int64(conversation), int64(c))
	return err
}

func unwait(tx *db.Tx, message id.Message) error {
	_, err := tx.Exec(sqlUnwait, int64(message))
	return err
}

// dueCards lists pages to read in the order in which they are due, after another one, without those of crowded hosts.
func dueCards(tx *db.Tx, after errand, crowded crowd, limit int) ([]errand, error) {
	return db.All(tx, sqlDueCards, crowded.args(tx, after, limit), func(r db.Scanner) (e errand, err error) {
		err = r.Scan(&e.id, &e.due, &e.tries, &e.host, &e.url)
		return e, err
	})
}

// lateCards lists pages that nobody has begun to read since they were due before a time.
func lateCards(tx *db.Tx, before time.Time, limit int) ([]errand, error) {
	return db.All(tx, sqlLateCards, []any{db.Micros(before), limit}, func(r db.Scanner) (e errand, err error) {
		err = r.Scan(&e.id, &e.due)
		return e, err
	})
}

// cardBack gives a claimed card back as if nobody had begun.
func cardBack(tx *db.Tx, e errand) error {
	_, err := tx.Exec(sqlCardBack, e.id, e.due, db.Micros(tx.Now()))
	return err
}

// giveUpCard leaves a card with what was known before; nobody waits for it any longer.
func giveUpCard(tx *db.Tx, e errand) error {
	n, err := tx.Exec(sqlGiveUpCard, e.id, e.due, db.Micros(tx.Now().Add(noneFor)))
	if err != nil || n == 0 {
		return err
	}
	return dropWaits(tx, e.id)
}

func claimCard(tx *db.Tx, e errand, until int64) (bool, error) {
	n, err := tx.Exec(sqlClaimCard, e.id, e.due, until)
	return n > 0, err
}

// setCard stores what a page says; due is when it may be asked again.
func setCard(tx *db.Tx, e errand, c *card, due time.Time) (bool, error) {
	n, err := tx.Exec(sqlSetCard, e.id, e.due, c.state, c.title, c.description, c.site, db.NullID(c.image), db.Micros(due), db.Micros(tx.Now()))
	return n > 0, err
}

// keepCard leaves what is known as it is.
func keepCard(tx *db.Tx, e errand, state string, due time.Time) error {
	_, err := tx.Exec(sqlKeepCard, e.id, e.due, state, db.Micros(due), db.Micros(tx.Now()))
	return err
}

// storeImage makes a written file one that stays; false tells that the purge was quicker.
func storeImage(tx *db.Tx, m id.Media) (bool, error) {
	n, err := tx.Exec(sqlStoreImage, int64(m))
	return n > 0, err
}

// imageSource is where a card's picture came from, "" for none.
func imageSource(tx *db.Tx, m id.Media) (string, error) {
	var source string
	err := tx.One(sqlImageSource, []any{int64(m)}, &source)
	if errors.Is(err, db.ErrNoRows) {
		err = nil
	}
	return source, err
}

func dropWaits(tx *db.Tx, card int64) error {
	_, err := tx.Exec(sqlDropWaits, card)
	return err
}

// waiting is a message to be told of a card that is settled.
type waiting struct {
	message      id.Message
	conversation id.Conversation
	card         id.LinkCard
	state        string
}

func scanWaiting(r db.Scanner) (w waiting, err error) {
	err = r.Scan(&w.message, &w.conversation, &w.card, &w.state)
	return w, err
}

// waits lists messages to be told; of a card, or with 0 of any.
func waits(tx *db.Tx, card int64, limit int) ([]waiting, error) {
	if card != 0 {
		return db.All(tx, sqlWaitsOf, []any{card, limit}, scanWaiting)
	}
	return db.All(tx, sqlWaits, []any{limit}, scanWaiting)
}

// told takes a message off the list; false tells that somebody else did.
func told(tx *db.Tx, w waiting) (bool, error) {
	n, err := tx.Exec(sqlTold, int64(w.message), int64(w.card))
	return n > 0, err
}

// notTold counts that a message could not be told; true tells that it was tried often enough and waits no longer.
func notTold(tx *db.Tx, w waiting) (bool, error) {
	if _, err := tx.Exec(sqlNotTold, int64(w.message), int64(w.card)); err != nil {
		return false, err
	}
	n, err := tx.Exec(sqlNeverTold, int64(w.message), int64(w.card), triesMost)
	return n > 0, err
}

// unneededCards lists cards after another one that no message shows or waits for.
func unneededCards(tx *db.Tx, after id.LinkCard, limit int) ([]id.LinkCard, error) {
	return db.All(tx, sqlUnneeded, []any{int64(after), db.Micros(tx.Now()), limit}, func(r db.Scanner) (c id.LinkCard, err error) {
		err = r.Scan(&c)
		return c, err
	})
}

// forgetCard removes a card unless somebody has begun to need it, and returns the picture that it had, 0 for none.
func forgetCard(tx *db.Tx, c id.LinkCard) (image id.Media, err error) {
	err = tx.One(sqlForgetCard, []any{int64(c), db.Micros(tx.Now())}, &image)
	if errors.Is(err, db.ErrNoRows) {
		err = nil
	}
	return image, err
}
