// Package metrics counts what the server does and shows it in the Prometheus text form.
//
// Counters and histograms (attempts, requests) are kept in memory from the start of the process; each hot path finds its
// series in a map that is only ever replaced as a whole, so that counting takes no lock. Gauges of the delivery queues are
// read from the database when somebody asks, by one reader at a time and at most every five seconds: no number of scrapes
// can load the database. Labels are kinds, target numbers, route patterns and classes of status, never anything that a
// caller made up, so the number of series is bounded.
//
// There is no global registry: every Metrics has its own. It may import db, delivery and feed; it knows no HTTP edge and
// no token, whoever mounts the Handler guards it. Everything is safe for concurrent use.
package metrics
