package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"parley/internal/config"
	"parley/internal/db"
	"parley/internal/feed"
	"parley/internal/once"
	"parley/internal/secret"
	"parley/internal/team"
)

// Storage is an open database with what the administrative verbs need.
type Storage struct {
	db     *db.DB
	feed   *feed.Feed
	sealer *secret.Sealer
	pepper []byte
	// linkKey signs the addresses of files: the same on all nodes, and after a restart.
	linkKey []byte
	// mailKey makes the secrets of ways to sign in by mail, likewise.
	mailKey []byte
	// inviteKey makes the secrets of invitations to visitors, likewise.
	inviteKey []byte
	team      *team.Desk
}

// OpenStorage opens and migrates the database.
func OpenStorage(ctx context.Context, c config.Storage, log *slog.Logger) (*Storage, error) {
	return openStorage(ctx, c, log, nil)
}

func openStorage(ctx context.Context, c config.Storage, log *slog.Logger, now func() time.Time) (*Storage, error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	url := c.Database.Reveal()
	if url == "" {
		url = filepath.Join(c.Data, "parley.db")
	}
	key, err := sealingKey(c)
	if err != nil {
		return nil, err
	}
	sealer, err := secret.NewSealer(key)
	if err != nil {
		return nil, err
	}
	d, err := db.Open(ctx, db.Options{URL: url, Logger: log, Now: now})
	if err != nil {
		return nil, err
	}
	f := feed.New(d)
	pepper := sha256.Sum256(append([]byte("parley pepper\n"), key...))
	linkKey := sha256.Sum256(append([]byte("parley media links\n"), key...))
	mailKey := sha256.Sum256(append([]byte("parley ways to sign in by mail\n"), key...))
	inviteKey := sha256.Sum256(append([]byte("parley invitations\n"), key...))
	return &Storage{db: d, feed: f, sealer: sealer, pepper: pepper[:], linkKey: linkKey[:], mailKey: mailKey[:], inviteKey: inviteKey[:], team: team.New(team.Options{DB: d, Feed: f, Logger: log, Sealer: sealer})}, nil
}

// Close closes the database.
func (s *Storage) Close() error { return s.db.Close() }

// SchemaVersion is the version of the schema that the database has.
func (s *Storage) SchemaVersion() int { return db.SchemaVersion() }

// AddOperator adds an operator without a password and returns the token of a one-time link.
func (s *Storage) AddOperator(ctx context.Context, email, first, last, role string) (secret.String, error) {
	made, err := s.team.Create(ctx, team.System(), team.NewOperator{Email: email, FirstName: first, LastName: last, Role: role}, once.Key{})
	return made.Link, err
}

// CreateToken makes an API token and returns it.
func (s *Storage) CreateToken(ctx context.Context, name, scope string) (secret.String, error) {
	_, token, err := s.team.CreateToken(ctx, team.System(), name, scope, once.Key{})
	return token, err
}

// SignInLink is the address that a one-time token is opened with. The token stands behind the #, so it reaches no log.
func SignInLink(publicURL string, token secret.String) string {
	return strings.TrimSuffix(publicURL, "/") + "/app/link#" + token.Reveal()
}

// sealingKey returns the 32 bytes that seal secrets at rest: derived from the configured key, else from the data directory's
// key file, which is made on first use.
func sealingKey(c config.Storage) ([]byte, error) {
	if k := c.SecretKey.Reveal(); k != "" {
		sum := sha256.Sum256([]byte("parley sealing key\n" + k))
		return sum[:], nil
	}
	name := filepath.Join(c.Data, "secret.key")
	b, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		key := secret.Random(32)
		f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("make key file: %w", err)
		}
		_, err = f.WriteString(hex.EncodeToString(key) + "\n")
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return nil, fmt.Errorf("write key file %s: %w", name, err)
		}
		return key, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("the key file %s is damaged: restore it from a backup; sealed secrets cannot be read without it", name)
	}
	return key, nil
}

// nodeName returns this data directory's name among the nodes of one database; the first call makes it. The directory is
// locked while a server runs, so two running servers never share a name, and a restarted one finds its own again.
func nodeName(dir string) (string, error) {
	name := filepath.Join(dir, "node.id")
	b, err := os.ReadFile(name)
	if err == nil && len(b) > 0 {
		return strings.TrimSpace(string(b)), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read node name: %w", err)
	}
	node := secret.UUID()
	if err := os.WriteFile(name, []byte(node+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("write node name: %w", err)
	}
	return node, nil
}
