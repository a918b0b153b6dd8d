package team

import "time"

const (
	// SessionKeep is how long a session lasts after it was last used.
	SessionKeep = 14 * 24 * time.Hour
	// LinkKeep is how long a sign-in link works unless its maker says otherwise.
	LinkKeep = 24 * time.Hour
	// CacheFor is how long a checked session or token is believed without asking the database. A change made on this node
	// holds at once, one made on another node after this time.
	CacheFor = 30 * time.Second

	sessionTouchEvery = 10 * time.Minute
	tokenTouchEvery   = time.Minute

	// One address may try a burst of 20 sign-ins, then one each 5 s; one account 10, then one each 20 s.
	addressEvery, addressBurst = 5 * time.Second, 20
	accountEvery, accountBurst = 20 * time.Second, 10
)

// sessionPrefix and linkPrefix make a leaked secret recognisable.
const (
	sessionPrefix = "ps_"
	linkPrefix    = "pl_"
	tokenPrefix   = "pat_"
)
