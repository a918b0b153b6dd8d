// Package acceptance holds the acceptance tests: one for each row of docs/acceptance.md, named by it, against a running server.
//
// They are outsiders: everything is done over HTTP and sockets, as browsers, integrators and receivers do it, and what came of it is
// read from a recording receiver and from the API. What must not happen is read from the delivery log, in which a call stands from the
// moment of its event: no test waits to see that nothing comes. Time passes by setting the server's clock.
package acceptance
