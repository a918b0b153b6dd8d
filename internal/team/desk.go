package team

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/limit"
	"parley/internal/once"
	"parley/internal/secret"
)

// Options says what a Desk works with. DB and Feed are required.
type Options struct {
	DB   *db.DB
	Feed *feed.Feed
	// Logger gets what a background step could not do; nil discards.
	Logger *slog.Logger
	// Grace is how long an operator stays present after the last tab closed; zero means GraceDefault.
	Grace time.Duration
	// Sealer keeps shown-once secrets for repeats of an idempotent write. Without one a key made up at start is used, and a
	// repeat on another node or after a restart is refused instead of answered.
	Sealer *secret.Sealer
	// PasswordMemoryKiB is argon2's memory; zero means 64 MiB. Tests make it small.
	PasswordMemoryKiB uint32
}

// Desk is where operators, groups, sign-ins, tokens and presence are worked on.
type Desk struct {
	db      *db.DB
	feed    *feed.Feed
	log     *slog.Logger
	grace   time.Duration
	sealer  *secret.Sealer
	hasher  *hasher
	cache   *cache
	address *limit.Limiter
	account *limit.Limiter
	wake    chan struct{}
	release []ReleaseGroup
}

// ReleaseGroup lets go of a group that is about to be deleted, in the deletion's transaction.
type ReleaseGroup func(ctx context.Context, tx *db.Tx, group id.Group) error

// New makes a Desk.
func New(o Options) *Desk {
	if o.DB == nil || o.Feed == nil {
		panic("team: DB and Feed are required")
	}
	d := &Desk{db: o.DB, feed: o.Feed, log: o.Logger, grace: o.Grace, sealer: o.Sealer, hasher: newHasher(o.PasswordMemoryKiB), cache: newCache(),
		address: limit.New(limit.Options{Every: addressEvery, Burst: addressBurst, Now: o.DB.Now}),
		account: limit.New(limit.Options{Every: accountEvery, Burst: accountBurst, Now: o.DB.Now}),
		wake:    make(chan struct{}, 1)}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if d.grace == 0 {
		d.grace = GraceDefault
	}
	if d.sealer == nil {
		d.sealer, _ = secret.NewSealer(secret.Random(32)) // 32 bytes are always a key
	}
	return d
}

// OnDeleteGroup registers a function that lets go of a group before it is deleted, for packages whose rows refer to groups.
// Call it before the Desk is used.
func (d *Desk) OnDeleteGroup(fn ReleaseGroup) { d.release = append(d.release, fn) }

// Created is the answer of Create.
type Created struct {
	Operator *event.Operator
	// Link is the token of a one-time sign-in link, empty when the operator got a password.
	Link secret.String
}

// createdAnswer is what an idempotency key of Create remembers.
type createdAnswer struct {
	Operator *event.Operator
	Link     string // sealed
}

// Create adds an operator. Without a password it also makes a sign-in link of LinkKeep. Faults: auth.denied, auth.scope,
// operator.email_taken, group.not_found and those of the fields. A repeat with the same key gets the first answer.
func (d *Desk) Create(ctx context.Context, by Actor, n NewOperator, key once.Key) (Created, error) {
	if err := by.MayAdmin(); err != nil {
		return Created{}, err
	}
	o, err := operatorOf(n)
	if err != nil {
		return Created{}, err
	}
	var hash, link string
	if n.Password.IsZero() {
		link = secret.Token(linkPrefix)
	} else if hash, err = d.hasher.hash(ctx, n.Password); err != nil {
		return Created{}, fmt.Errorf("create operator: %w", err)
	}
	const sealed = "once.operator_link"
	var answer createdAnswer
	err = d.db.Update(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		answer, _, err = once.Do(tx, key, func() (createdAnswer, error) {
			o := o
			o.CreatedAt = tx.Now()
			if err := insertOperator(tx, &o, hash); err != nil {
				return createdAnswer{}, err
			}
			if err := d.setGroups(ctx, tx, by, o.ID, n.Groups); err != nil {
				return createdAnswer{}, err
			}
			a := createdAnswer{}
			if link != "" {
				if err := insertLink(tx, secret.Hash(link), o.ID, LinkKeep); err != nil {
					return createdAnswer{}, err
				}
				a.Link = d.sealer.Seal(sealed, link)
			}
			if a.Operator, err = d.updated(ctx, tx, by, o.ID); err != nil {
				return createdAnswer{}, err
			}
			return a, nil
		})
		return err
	})
	if err != nil {
		return Created{}, fmt.Errorf("create operator: %w", err)
	}
	c := Created{Operator: answer.Operator}
	if answer.Link != "" {
		if c.Link, err = d.unseal(sealed, answer.Link); err != nil {
			return Created{}, fmt.Errorf("create operator: %w", err)
		}
	}
	return c, nil
}

// unseal opens a secret that an idempotency key remembered.
func (d *Desk) unseal(context, sealed string) (secret.String, error) {
	v, err := d.sealer.Open(context, sealed)
	if err != nil {
		return secret.String{}, fault.New(fault.KeyReused, "this was done before and its secret cannot be shown again; use a new key").
			At("Idempotency-Key").Because(err)
	}
	return v, nil
}

// updated appends operator.updated for the operator as it is now and returns that.
func (d *Desk) updated(ctx context.Context, tx *db.Tx, by Actor, operatorID id.Operator) (*event.Operator, error) {
	o, err := GetOperator(tx, operatorID)
	if err != nil {
		return nil, err
	}
	tx.OnCommit(func() { d.cache.dropOperator(operatorID) })
	return o, d.feed.Append(ctx, tx, &event.Event{Type: event.OperatorUpdated, By: by.Party(), Operator: o})
}

// setGroups makes the operator a member of exactly these groups. Each group that changes is one event group.updated.
func (d *Desk) setGroups(ctx context.Context, tx *db.Tx, by Actor, operatorID id.Operator, want []id.Group) error {
	current, err := groupsOf(tx, operatorID)
	if err != nil {
		return err
	}
	have := make([]id.Group, len(current))
	for i, g := range current {
		have[i] = g.ID
	}
	add, remove := difference(have, want)
	touched := slices.Concat(add, remove)
	slices.Sort(touched) // always the same order, so that two of us do not lock each other out
	for _, groupID := range touched {
		g, err := lockGroup(tx, groupID)
		if fault.Is(err, fault.GroupNotFound) {
			return fault.As(err).At("group_ids")
		}
		if err != nil {
			return err
		}
		change := removeMember
		if slices.Contains(add, groupID) {
			change = addMember
		}
		if err := change(tx, groupID, operatorID); err != nil {
			return err
		}
		if err := d.groupUpdated(ctx, tx, by, g); err != nil {
			return err
		}
	}
	return nil
}

func (d *Desk) groupUpdated(ctx context.Context, tx *db.Tx, by Actor, g *event.Group) (err error) {
	if g.OperatorIDs, err = groupMembers(tx, g.ID); err != nil {
		return err
	}
	return d.feed.Append(ctx, tx, &event.Event{Type: event.GroupUpdated, By: by.Party(), Group: g})
}

// Update changes an operator. Operators may change their own names, picture, language and time zone; everything else needs
// an admin. Deactivation ends sessions, links and presence. Without a difference there is no event. Faults: those of Create,
// operator.not_found, operator.last_admin.
func (d *Desk) Update(ctx context.Context, by Actor, operatorID id.Operator, c OperatorChange) (*event.Operator, error) {
	self := by.Operator != 0 && by.Operator == operatorID
	if !self || !c.profileOnly() {
		if err := by.MayAdmin(); err != nil {
			return nil, err
		}
	}
	if self && c.Password != nil {
		return nil, fault.New(fault.FieldInvalid, "change your own password with the current one").At("password")
	}
	var hash string
	if c.Password != nil {
		if err := checkPassword(*c.Password, "password"); err != nil {
			return nil, err
		}
		var err error
		if hash, err = d.hasher.hash(ctx, *c.Password); err != nil {
			return nil, fmt.Errorf("update operator %d: %w", operatorID, err)
		}
	}
	var o *event.Operator
	err := d.db.Update(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		o, err = d.update(ctx, tx, by, operatorID, c, hash)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("update operator %d: %w", operatorID, err)
	}
	return o, nil
}

func (d *Desk) update(ctx context.Context, tx *db.Tx, by Actor, operatorID id.Operator, c OperatorChange, hash string) (*event.Operator, error) {
	var admins []id.Operator
	if c.Role != nil || c.Active != nil {
		var err error
		if admins, err = lockAdmins(tx); err != nil {
			return nil, err
		}
	}
	o, err := lockOperator(tx, operatorID)
	if err != nil {
		return nil, err
	}
	wasAdmin, wasActive := o.Role == RoleAdmin && o.Active, o.Active
	changed, err := c.apply(o)
	if err != nil {
		return nil, err
	}
	if wasAdmin && (o.Role != RoleAdmin || !o.Active) && len(admins) == 1 {
		field := "role"
		if !o.Active {
			field = "active"
		}
		return nil, fault.New(fault.OperatorLast, "this is the last active admin; make someone else an admin first").At(field)
	}
	if changed {
		if err := updateOperator(tx, o); err != nil {
			return nil, err
		}
	}
	if c.Groups != nil {
		before := o.Groups
		if err := d.setGroups(ctx, tx, by, operatorID, *c.Groups); err != nil {
			return nil, err
		}
		if o.Groups, err = groupsOf(tx, operatorID); err != nil {
			return nil, err
		}
		changed = changed || !slices.EqualFunc(before, o.Groups, func(a, b event.Group) bool { return a.ID == b.ID })
	}
	if hash != "" {
		if err := setPassword(tx, operatorID, hash); err != nil {
			return nil, err
		}
	}
	if hash != "" || wasActive && !o.Active {
		if err := deleteSessions(tx, operatorID, ""); err != nil {
			return nil, err
		}
		tx.OnCommit(func() { d.cache.dropOperator(operatorID) })
	}
	if changed {
		if o, err = d.updated(ctx, tx, by, operatorID); err != nil {
			return nil, err
		}
	}
	if wasActive && !o.Active {
		if err := dropTabs(tx, operatorID); err != nil {
			return nil, err
		}
		return d.settle(ctx, tx, by, o)
	}
	return o, nil
}

// Get returns an operator with its groups; fault operator.not_found.
func (d *Desk) Get(ctx context.Context, operatorID id.Operator) (o *event.Operator, err error) {
	err = d.db.View(ctx, func(_ context.Context, tx *db.Tx) error {
		o, err = GetOperator(tx, operatorID)
		return err
	})
	return o, err
}

// List returns all operators, active or not, with their groups, by id.
func (d *Desk) List(ctx context.Context) (list []*event.Operator, err error) {
	err = d.db.View(ctx, func(_ context.Context, tx *db.Tx) error {
		list, err = ListOperators(tx)
		return err
	})
	return list, err
}

// Availability is what visitors of a group's widgets are told; see the function of the same name.
func (d *Desk) Availability(ctx context.Context, group id.Group) (s string, err error) {
	err = d.db.View(ctx, func(_ context.Context, tx *db.Tx) error {
		s, err = Availability(tx, group)
		return err
	})
	return s, err
}

// Groups returns all groups with their members, by id.
func (d *Desk) Groups(ctx context.Context) (list []*event.Group, err error) {
	err = d.db.View(ctx, func(_ context.Context, tx *db.Tx) error {
		list, err = ListGroups(tx)
		return err
	})
	return list, err
}

// GroupChange is a partial change of a group; nil fields stay as they are. Operators replaces all members.
type GroupChange struct {
	Name      *string
	Operators *[]id.Operator
}

// CreateGroup adds a group. Faults: group.name_taken, operator.not_found at operator_ids, those of the name. A repeat with
// the same key gets the first answer.
func (d *Desk) CreateGroup(ctx context.Context, by Actor, name string, operators []id.Operator, key once.Key) (*event.Group, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	name, err := groupName(name)
	if err != nil {
		return nil, err
	}
	var g *event.Group
	err = d.db.Update(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		g, _, err = once.Do(tx, key, func() (*event.Group, error) {
			g := &event.Group{Name: name}
			if err := insertGroup(tx, g); err != nil {
				return nil, err
			}
			if _, err := d.setMembers(tx, g.ID, operators); err != nil {
				return nil, err
			}
			return g, d.groupUpdated(ctx, tx, by, g)
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("create group: %w", err)
	}
	return g, nil
}

// ChangeGroup renames a group or sets its members; one event group.updated when anything is different. Faults:
// group.not_found and those of CreateGroup.
func (d *Desk) ChangeGroup(ctx context.Context, by Actor, groupID id.Group, c GroupChange) (*event.Group, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	var name string
	if c.Name != nil {
		var err error
		if name, err = groupName(*c.Name); err != nil {
			return nil, err
		}
	}
	var g *event.Group
	err := d.db.Update(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		if g, err = lockGroup(tx, groupID); err != nil {
			return err
		}
		changed := false
		if c.Name != nil && name != g.Name {
			g.Name, changed = name, true
			if err := renameGroup(tx, g); err != nil {
				return err
			}
		}
		if c.Operators != nil {
			moved, err := d.setMembers(tx, groupID, *c.Operators)
			if err != nil {
				return err
			}
			changed = changed || moved
		}
		if changed {
			return d.groupUpdated(ctx, tx, by, g)
		}
		g.OperatorIDs, err = groupMembers(tx, groupID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("change group %d: %w", groupID, err)
	}
	return g, nil
}

func (d *Desk) setMembers(tx *db.Tx, groupID id.Group, want []id.Operator) (changed bool, err error) {
	have, err := groupMembers(tx, groupID)
	if err != nil {
		return false, err
	}
	add, remove := difference(have, want)
	for _, o := range add {
		exists, err := operatorExists(tx, o)
		if err != nil {
			return false, err
		}
		if !exists {
			return false, fault.Newf(fault.OperatorNotFound, "there is no operator %d", o).At("operator_ids")
		}
		if err := addMember(tx, groupID, o); err != nil {
			return false, err
		}
	}
	for _, o := range remove {
		if err := removeMember(tx, groupID, o); err != nil {
			return false, err
		}
	}
	for _, o := range slices.Concat(add, remove) {
		tx.OnCommit(func() { d.cache.dropOperator(o) })
	}
	return len(add)+len(remove) > 0, nil
}

// DeleteGroup deletes a group that no widget routes to. Its event group.updated names the group without members. Faults:
// group.not_found, group.in_use.
func (d *Desk) DeleteGroup(ctx context.Context, by Actor, groupID id.Group) error {
	if err := by.MayAdmin(); err != nil {
		return err
	}
	err := d.db.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		g, err := lockGroup(tx, groupID)
		if err != nil {
			return err
		}
		widgets, _, err := groupUsers(tx, groupID)
		if err != nil {
			return err
		}
		if widgets > 0 {
			return fault.Newf(fault.GroupInUse, "%d widgets still route to this group; change them first", widgets)
		}
		for _, fn := range d.release {
			if err := fn(ctx, tx, groupID); err != nil {
				return err
			}
		}
		if _, conversations, err := groupUsers(tx, groupID); err != nil {
			return err
		} else if conversations > 0 {
			return fault.New(fault.GroupInUse, "conversations still belong to this group; forward them first")
		}
		if _, err := d.setMembers(tx, groupID, nil); err != nil {
			return err
		}
		if err := deleteGroup(tx, groupID); err != nil {
			return err
		}
		return d.groupUpdated(ctx, tx, by, g)
	})
	if err != nil {
		return fmt.Errorf("delete group %d: %w", groupID, err)
	}
	return nil
}

// CreateToken makes an API token and returns its secret, which is shown once. A token of scope s needs an actor who may do
// as much: only admins make tokens. A repeat with the same key gets the first answer.
func (d *Desk) CreateToken(ctx context.Context, by Actor, name, scope string, key once.Key) (Token, secret.String, error) {
	if err := by.MayAdmin(); err != nil {
		return Token{}, secret.String{}, err
	}
	name, err := checkToken(name, scope)
	if err != nil {
		return Token{}, secret.String{}, err
	}
	type remembered struct {
		Token  Token
		Secret string // sealed
	}
	const sealed = "once.api_token"
	plain := secret.Token(tokenPrefix)
	var answer remembered
	err = d.db.Update(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		answer, _, err = once.Do(tx, key, func() (remembered, error) {
			t := Token{Name: name, Scope: scope, Prefix: plain[:shownPrefix], CreatedBy: by.Operator}
			if by.Operator != 0 {
				o, err := GetOperator(tx, by.Operator)
				if err != nil {
					return remembered{}, err
				}
				t.CreatedByName = o.Name()
			}
			return remembered{t, d.sealer.Seal(sealed, plain)}, insertToken(tx, &t, secret.Hash(plain))
		})
		return err
	})
	if err != nil {
		return Token{}, secret.String{}, fmt.Errorf("create API token: %w", err)
	}
	shown, err := d.unseal(sealed, answer.Secret)
	if err != nil {
		return Token{}, secret.String{}, fmt.Errorf("create API token: %w", err)
	}
	return answer.Token, shown, nil
}

// Tokens returns the API tokens that were not revoked, by id. It needs an admin.
func (d *Desk) Tokens(ctx context.Context, by Actor) (list []Token, err error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	err = d.db.View(ctx, func(_ context.Context, tx *db.Tx) error {
		list, err = listTokens(tx)
		return err
	})
	return list, err
}

// RevokeToken ends an API token; fault token.not_found.
func (d *Desk) RevokeToken(ctx context.Context, by Actor, tokenID id.Token) error {
	if err := by.MayAdmin(); err != nil {
		return err
	}
	return d.db.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		tx.OnCommit(func() { d.cache.dropToken(tokenID) })
		return revokeToken(tx, tokenID)
	})
}

// AuthenticateToken returns the actor of an API token; fault auth.invalid.
func (d *Desk) AuthenticateToken(ctx context.Context, token string) (Actor, error) {
	hash := secret.Hash(token)
	known, epoch, ok := d.cache.get(hash, d.db.Now())
	if ok {
		return known.actor, nil
	}
	var t *Token
	err := d.db.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		t, err = findToken(tx, hash)
		return err
	})
	if errors.Is(err, db.ErrNoRows) {
		return Actor{}, fault.New(fault.AuthInvalid, "the token is unknown or was revoked")
	}
	if err != nil {
		return Actor{}, err
	}
	if now := d.db.Now(); now.Sub(t.LastUsedAt) >= tokenTouchEvery {
		d.touch(ctx, func(tx *db.Tx) error { return touchToken(tx, t.ID) })
	}
	a := Actor{Token: t.ID, Name: t.Name, Scope: t.Scope}
	d.cache.put(hash, cached{actor: a, until: d.db.Now().Add(CacheFor)}, epoch)
	return a, nil
}

// touch notes a use. Failing to is no reason to refuse the request.
func (d *Desk) touch(ctx context.Context, fn func(tx *db.Tx) error) {
	if err := d.db.Update(ctx, func(_ context.Context, tx *db.Tx) error { return fn(tx) }); err != nil && ctx.Err() == nil {
		d.log.Warn("last use not stored", "error", err)
	}
}
