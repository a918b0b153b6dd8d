package delivery

import "time"

// paceSlack is how much of a late wake-up is made up for, so that the rate holds on a busy machine.
const paceSlack = 100 * time.Millisecond

// paceTick is the shortest wait for a turn. At higher rates several turns come at once.
const paceTick = time.Millisecond

// pace spaces the attempts of a target with a limit per second: one turn after the other, at equal distances. Turns that nobody
// took are lost, so there is no burst after an idle time.
type pace struct {
	perSecond int       // 0: no limit
	turnAt    time.Time // the next turn
	waited    bool      // somebody waited for that turn: lateness is the clock's fault
	timer     *time.Timer
	waiting   bool // the timer runs
}

// step is the distance of two turns; rounded up, so that no second has one too many.
func (p *pace) step() time.Duration {
	n := time.Duration(p.perSecond)
	return (time.Second + n - 1) / n
}

// take uses the turn of now.
func (p *pace) take(now time.Time) {
	if p.perSecond == 0 {
		return
	}
	if p.waited && now.Sub(p.turnAt) < paceSlack {
		p.turnAt = p.turnAt.Add(p.step())
	} else {
		p.turnAt = now.Add(p.step())
	}
	p.waited = p.waited && !now.Before(p.turnAt)
}

// set changes the limit.
func (p *pace) set(perSecond int, now time.Time) {
	if p.perSecond == perSecond {
		return
	}
	p.stop()
	p.perSecond = perSecond
	if perSecond > 0 && p.turnAt.After(now.Add(p.step())) {
		p.turnAt = now.Add(p.step())
	}
}

func (p *pace) stop() {
	if p.waiting {
		p.timer.Stop()
		p.waiting = false
	}
}

// paceLocked tells whether the target's limit per second lets an attempt start now. If not, a timer offers the target again when
// its turn comes: meanwhile it is in no queue and holds no place that others could use.
func (e *Engine) paceLocked(t *target) bool {
	p := &t.pace
	if p.perSecond == 0 {
		return true
	}
	now := e.now()
	if !now.Before(p.turnAt.Truncate(time.Microsecond)) { // the clock may cut to microseconds
		return true
	}
	if p.waiting {
		return false
	}
	if latest := now.Add(p.step()); p.turnAt.After(latest) { // the clock was set back
		p.turnAt = latest
	}
	p.waiting = true
	p.timer = time.AfterFunc(max(p.turnAt.Sub(now), paceTick), func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		p.waiting, p.waited = false, true
		e.offerLocked(t)
		e.dispatchLocked()
	})
	return false
}
