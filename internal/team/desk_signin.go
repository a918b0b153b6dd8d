package team

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/limit"
	"parley/internal/once"
	"parley/internal/secret"
)

// SignIn checks a password and starts a session. The token is the session cookie's value. ip is only used to limit attempts;
// the user agent is kept with the session. Faults: auth.wrong_password, the same whether the account exists or not, and
// auth.too_many.
func (d *Desk) SignIn(ctx context.Context, email string, password secret.String, ip, userAgent string) (token string, o *event.Operator, err error) {
	email = strings.ToLower(strings.TrimSpace(email))
	if err := d.attempt(ip, email); err != nil {
		return "", nil, err
	}
	wrong := fault.New(fault.AuthWrongPassword, "the e-mail address or the password is wrong")
	var facts signInFacts
	if len(email) <= maxEmail && checkLine(email, "", maxEmail) == nil {
		err = d.db.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
			facts, err = findSignIn(tx, email)
			return err
		})
		if err != nil {
			return "", nil, fmt.Errorf("sign in: %w", err)
		}
	}
	hash := facts.hash
	if !facts.active {
		hash = ""
	}
	ok, err := d.hasher.matches(ctx, password, hash)
	if err != nil {
		return "", nil, fmt.Errorf("sign in: %w", err)
	}
	if !ok {
		return "", nil, wrong
	}
	token = secret.Token(sessionPrefix)
	err = d.db.Update(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		if o, err = lockOperator(tx, facts.operator); err != nil {
			return err
		}
		current, err := passwordOf(tx, o.ID)
		if err != nil {
			return err
		}
		if !o.Active || current != hash {
			return wrong // changed while we were hashing
		}
		return insertSession(tx, secret.Hash(token), o.ID, cutText(userAgent, 300))
	})
	if err != nil {
		return "", nil, fmt.Errorf("sign in: %w", err)
	}
	return token, o, nil
}

// attempt takes one try of the address, and of the account unless that is "".
func (d *Desk) attempt(ip, account string) error {
	for _, l := range []struct {
		by  *limit.Limiter
		key string
	}{{d.address, ip}, {d.account, account}} {
		if l.key == "" {
			continue
		}
		if wait, ok := l.by.Allow(l.key); !ok {
			return fault.New(fault.AuthTooMany, "too many attempts to sign in; wait and try again").After(wait)
		}
	}
	return nil
}

// cutText makes foreign text storable: valid UTF-8 without NUL, at most n bytes.
func cutText(s string, n int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
	for len(s) > n {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// CreateLink makes a one-time sign-in link for an operator and returns its token. A zero ttl means LinkKeep. Faults:
// operator.not_found, operator.inactive. A repeat with the same key gets the first answer.
func (d *Desk) CreateLink(ctx context.Context, by Actor, operatorID id.Operator, ttl time.Duration, key once.Key) (secret.String, error) {
	if err := by.MayAdmin(); err != nil {
		return secret.String{}, err
	}
	if ttl <= 0 {
		ttl = LinkKeep
	}
	const sealedAs = "once.sign_in_link"
	plain := secret.Token(linkPrefix)
	var sealed string
	err := d.db.Update(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		sealed, _, err = once.Do(tx, key, func() (string, error) {
			o, err := lockOperator(tx, operatorID)
			if err != nil {
				return "", err
			}
			if !o.Active {
				return "", fault.Newf(fault.OperatorInactive, "operator %d is deactivated", operatorID)
			}
			return d.sealer.Seal(sealedAs, plain), insertLink(tx, secret.Hash(plain), operatorID, ttl)
		})
		return err
	})
	if err != nil {
		return secret.String{}, fmt.Errorf("create sign-in link: %w", err)
	}
	return d.unseal(sealedAs, sealed)
}

// SignInWithLink uses up a link and starts a session. Faults: auth.link_used, auth.too_many.
func (d *Desk) SignInWithLink(ctx context.Context, link, ip, userAgent string) (token string, o *event.Operator, err error) {
	if err := d.attempt(ip, ""); err != nil {
		return "", nil, err
	}
	used := fault.New(fault.AuthLinkUsed, "this link was used before or has expired; ask an admin for a new one")
	token = secret.Token(sessionPrefix)
	err = d.db.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		operatorID, err := useLink(tx, secret.Hash(link))
		if errors.Is(err, db.ErrNoRows) {
			return used
		}
		if err != nil {
			return err
		}
		if o, err = lockOperator(tx, operatorID); err != nil {
			return err
		}
		if !o.Active {
			return used
		}
		return insertSession(tx, secret.Hash(token), o.ID, cutText(userAgent, 300))
	})
	if err != nil {
		return "", nil, fmt.Errorf("sign in with link: %w", err)
	}
	return token, o, nil
}

// SignOut ends a session. Ending one that does not exist is fine.
func (d *Desk) SignOut(ctx context.Context, token string) error {
	hash := secret.Hash(token)
	return d.db.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		tx.OnCommit(func() { d.cache.dropHash(hash) })
		return deleteSession(tx, hash)
	})
}

// Authenticate returns who a session belongs to; fault auth.invalid. The answer may be up to CacheFor old. The caller must
// not change the operator.
func (d *Desk) Authenticate(ctx context.Context, token string) (Actor, *event.Operator, error) {
	hash := secret.Hash(token)
	known, epoch, ok := d.cache.get(hash, d.db.Now())
	if ok {
		return known.actor, known.operator, nil
	}
	var s session
	var o *event.Operator
	err := d.db.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		if s, err = findSession(tx, hash); err != nil {
			return err
		}
		o, err = GetOperator(tx, s.operator)
		return err
	})
	if errors.Is(err, db.ErrNoRows) {
		return Actor{}, nil, fault.New(fault.AuthInvalid, "the session is over; sign in again")
	}
	if err != nil {
		return Actor{}, nil, err
	}
	now := d.db.Now()
	if now.Sub(s.seen) >= sessionTouchEvery {
		d.touch(ctx, func(tx *db.Tx) error { return touchSession(tx, hash) })
		s.expires = now.Add(SessionKeep)
	}
	until := now.Add(CacheFor)
	if s.expires.Before(until) {
		until = s.expires
	}
	a := ActorOf(o)
	d.cache.put(hash, cached{actor: a, operator: o, until: until}, epoch)
	return a, o, nil
}

// ChangePassword sets the actor's own password and ends all sessions but the one of keepToken. An operator who has none yet
// (signed in by a link) passes an empty current one. Faults: auth.denied for tokens, auth.wrong_password at current,
// auth.too_many, password.weak at new.
func (d *Desk) ChangePassword(ctx context.Context, by Actor, current, fresh secret.String, keepToken string) error {
	if by.Operator == 0 {
		return fault.New(fault.AuthDenied, "only operators have a password")
	}
	if err := checkPassword(fresh, "new"); err != nil {
		return err
	}
	var before string
	var o *event.Operator
	err := d.db.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		if o, err = GetOperator(tx, by.Operator); err != nil {
			return err
		}
		before, err = passwordOf(tx, by.Operator)
		return err
	})
	if err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	wrong := fault.New(fault.AuthWrongPassword, "the current password is wrong").At("current")
	if before != "" || !current.IsZero() {
		if err := d.attempt("", o.Email); err != nil {
			return err
		}
		ok, err := d.hasher.matches(ctx, current, before)
		if err != nil {
			return fmt.Errorf("change password: %w", err)
		}
		if !ok {
			return wrong
		}
	}
	hash, err := d.hasher.hash(ctx, fresh)
	if err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	keep := ""
	if keepToken != "" {
		keep = secret.Hash(keepToken)
	}
	err = d.db.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		if _, err := lockOperator(tx, by.Operator); err != nil {
			return err
		}
		now, err := passwordOf(tx, by.Operator)
		if err != nil {
			return err
		}
		if now != before {
			return wrong
		}
		if err := setPassword(tx, by.Operator, hash); err != nil {
			return err
		}
		tx.OnCommit(func() { d.cache.dropOperator(by.Operator) })
		return deleteSessions(tx, by.Operator, keep)
	})
	if err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	return nil
}

// Forget deletes sessions and links that are over. Call it now and then.
func (d *Desk) Forget(ctx context.Context) error {
	return d.db.Update(ctx, func(_ context.Context, tx *db.Tx) error { return forgetOld(tx) })
}
