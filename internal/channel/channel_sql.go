package channel

import (
	"encoding/json"
	"fmt"

	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/id"
	"parley/internal/secret"
)

const (
	channelColumns = `id, type, name, target, widget_id, widgets, settings, inbound_key, merge, auto_reply, state, state_reason, created_at, updated_at,
  deleted_at, drop_to, drop_at`
	sqlInsertChannel = `INSERT INTO channels (type, name, target, widget_id, widgets, settings, inbound_key, merge, auto_reply, state, state_reason, created_at,
  updated_at, deleted_at)
VALUES ($1, '', 0, $2, '[]', '', $3, FALSE, FALSE, 'active', '', $4, $4, 0) RETURNING id`
	sqlSaveChannel = `UPDATE channels SET name = $2, target = $3, widget_id = $4, widgets = $5, settings = $6, merge = $7, auto_reply = $8, state = $9,
  state_reason = $10, updated_at = $11 WHERE id = $1`
	// The secrets go with the channel; its name stays for its conversations.
	sqlDeleteChannel = `UPDATE channels SET deleted_at = $2, updated_at = $2, settings = '' WHERE id = $1`
	sqlStopChannel   = `UPDATE channels SET state = $2, state_reason = $3, updated_at = $4 WHERE id = $1 AND deleted_at = 0`
	sqlDropWaiting   = `UPDATE channels SET drop_to = $2, drop_at = $3 WHERE id = $1`
	sqlChannels      = `SELECT ` + channelColumns + ` FROM channels ORDER BY id`
	sqlLockChannel   = `SELECT ` + channelColumns + ` FROM channels WHERE id = $1 AND deleted_at = 0 FOR UPDATE`
	sqlVersion       = `SELECT value FROM settings WHERE name = 'channels_version'`
	sqlSetVersion    = `INSERT INTO settings (name, value) VALUES ('channels_version', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value`
	sqlHasWidget     = `SELECT COUNT(*) FROM widgets WHERE id = $1`
)

func insertChannel(tx *db.Tx, c *Channel) error {
	made, err := db.Insert[id.Channel](tx, sqlInsertChannel, c.Type, int64(c.Widget), c.key, db.Micros(tx.Now()))
	c.ID = made
	return err
}

func saveChannel(tx *db.Tx, with *secret.Sealer, c *Channel) error {
	widgets, err := json.Marshal(append([]id.Widget{}, c.Widgets...))
	if err != nil {
		return err
	}
	settings, err := c.sealed.seal(with, c.ID)
	if err != nil {
		return err
	}
	_, err = tx.Exec(sqlSaveChannel, int64(c.ID), c.Name, int64(c.target), int64(c.Widget), string(widgets), settings, c.Merge, c.AutoReply, c.State,
		c.StateReason, db.Micros(tx.Now()))
	return err
}

func deleteChannel(tx *db.Tx, c id.Channel) error {
	_, err := tx.Exec(sqlDeleteChannel, int64(c), db.Micros(tx.Now()))
	return err
}

func stopChannel(tx *db.Tx, c id.Channel, state, reason string) error {
	_, err := tx.Exec(sqlStopChannel, int64(c), state, reason, db.Micros(tx.Now()))
	return err
}

// dropWaiting makes deliveries up to one that were queued before this moment be dropped.
func dropWaiting(tx *db.Tx, c id.Channel, to id.Delivery) error {
	_, err := tx.Exec(sqlDropWaiting, int64(c), int64(to), db.Micros(tx.Now()))
	return err
}

// version is the word that changes with every change of any channel.
func version(tx *db.Tx) (string, error) {
	var v string
	if err := tx.One(sqlVersion, nil, &v); err != nil && err != db.ErrNoRows {
		return "", err
	}
	return v, nil
}

func setVersion(tx *db.Tx) error {
	_, err := tx.Exec(sqlSetVersion, secret.UUID())
	return err
}

// readChannels reads all channels, those that were deleted too.
func readChannels(tx *db.Tx, with *secret.Sealer) ([]*Channel, error) {
	return db.All(tx, sqlChannels, nil, scanChannel(with))
}

func lockChannel(tx *db.Tx, with *secret.Sealer, c id.Channel) (*Channel, error) {
	return db.First(tx, sqlLockChannel, []any{int64(c)}, scanChannel(with))
}

func scanChannel(with *secret.Sealer) func(db.Scanner) (*Channel, error) {
	return func(row db.Scanner) (*Channel, error) {
		c := &Channel{}
		var target, created, updated, deleted, dropAt int64
		var widgets, settings string
		if err := row.Scan(&c.ID, &c.Type, &c.Name, &target, &c.Widget, &widgets, &settings, &c.key, &c.Merge, &c.AutoReply, &c.State, &c.StateReason,
			&created, &updated, &deleted, &c.dropTo, &dropAt); err != nil {
			return nil, err
		}
		c.target, c.CreatedAt, c.UpdatedAt, c.deleted = delivery.Target(target), db.Time(created), db.Time(updated), deleted != 0
		c.dropAt = db.Time(dropAt)
		if c.deleted {
			return c, nil
		}
		if err := json.Unmarshal([]byte(widgets), &c.Widgets); err != nil {
			return nil, fmt.Errorf("channel %d: widgets: %w", c.ID, err)
		}
		var err error
		c.sealed, err = open(with, c.ID, settings)
		return c, err
	}
}

func hasWidget(tx *db.Tx, w id.Widget) (bool, error) {
	var n int
	err := tx.One(sqlHasWidget, []any{int64(w)}, &n)
	return n > 0, err
}
