package httpapi

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/danielgtaylor/huma/v2/validation"

	"parley/internal/fault"
	"parley/internal/once"
	"parley/internal/team"
)

// Config describes one API of the server.
type Config struct {
	Title       string
	Version     string
	Description string
	// Prefix is the path below which all operations live, "/api/v1". The document shows it as the server's URL.
	Prefix string
}

// Operation describes one operation of an API.
type Operation struct {
	// ID is the operation's stable name in the OpenAPI document, "post-message".
	ID     string
	Method string
	// Path is below the API's prefix, "/conversations/{id}/messages".
	Path        string
	Summary     string
	Description string
	Tags        []string
	// Scope is what the caller needs: team.ScopeRead, ScopeWrite or ScopeAdmin. Public means no authentication; exactly one of
	// the two must be set.
	Scope  string
	Public bool
	// Status is the status of success; zero means 200, or 204 when the output has no body.
	Status int
	// MaxBody is the greatest request body in bytes; zero means MaxBody.
	MaxBody int64
	// Stream says that the request's body is bytes of any kind, which the handler reads by itself with Stream. Such an operation
	// has no idempotency key and no greatest body.
	Stream bool
	// Faults are the codes that callers of this operation should know, besides those that every operation may give.
	Faults []fault.Code
	// Hidden leaves the operation out of the document.
	Hidden bool
}

const (
	schemeCookie = "session"
	schemeBearer = "token"
	metaScope    = "parley.scope"
	metaMaxBody  = "parley.max_body"
	metaStream   = "parley.stream"
)

var problemsOnce sync.Once

// useProblems makes every error of the OpenAPI library one of our problem documents. The library keeps its constructors in
// package variables, so they are set once for the process and never differently.
func useProblems() {
	problemsOnce.Do(func() {
		huma.ValidateStrictCasing = true
		huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
			p := problemOf(callOf(ctx.Context()), libraryFault(status, msg, errs))
			for k, v := range p.headers {
				ctx.SetHeader(k, strings.Join(v, ", "))
			}
			return p
		}
		// Without a context it is only asked for the type of errors, for the document.
		huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
			return problemOf(&call{}, libraryFault(status, msg, errs))
		}
	})
}

// libraryFault translates what the OpenAPI library found wrong.
func libraryFault(status int, msg string, errs []error) error {
	var list []*fault.Error
	for _, err := range errs {
		if f, ok := errors.AsType[*fault.Error](err); ok {
			list = append(list, f)
		} else if d, ok := errors.AsType[*huma.ErrorDetail](err); ok {
			list = append(list, detailFault(d))
		}
	}
	switch {
	case len(list) > 0:
		// The library walks maps: sort, so that the same request gets the same answer.
		slices.SortStableFunc(list, func(a, b *fault.Error) int { return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.Code, b.Code)) })
		list = slices.CompactFunc(list, func(a, b *fault.Error) bool { return a.Field == b.Field && a.Code == b.Code && a.Detail == b.Detail })
		var c fault.Collect
		for _, f := range list {
			c.Add(f)
		}
		return c.Err()
	case status == http.StatusBadRequest:
		return fault.New(fault.RequestMalformed, msg)
	case status == http.StatusUnsupportedMediaType:
		return fault.New(fault.RequestMediaType, "send the body as application/json")
	case status == http.StatusRequestEntityTooLarge:
		return fault.New(fault.RequestTooLarge, "the body is too large")
	case status == http.StatusUnprocessableEntity:
		return fault.New(fault.RequestInvalid, msg)
	}
	// The cause of an unexpected error travels in errs.
	return fault.New(fault.InternalError, msg).Because(errors.Join(errs...))
}

var (
	requiredText = regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(validation.MsgExpectedRequiredProperty), "%s", "(.+)") + "$")
	lengthText   = regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(validation.MsgExpectedMaxLength), "%d", `\d+`) + "$")
)

func detailFault(d *huma.ErrorDetail) *fault.Error {
	field := fieldPath(d.Location)
	if m := requiredText.FindStringSubmatch(d.Message); m != nil {
		if field != "" {
			field += "."
		}
		return fault.New(fault.FieldRequired, "this field is required").At(field + fieldName(m[1]))
	}
	switch {
	case d.Message == validation.MsgUnexpectedProperty:
		return fault.New(fault.RequestUnknownField, "this call does not know the field").At(field)
	case d.Message == "unknown query parameter":
		return fault.New(fault.RequestUnknownField, "this call does not know the parameter").At(field)
	case strings.HasPrefix(d.Message, "required ") && strings.HasSuffix(d.Message, " parameter is missing"):
		return fault.New(fault.FieldRequired, "this parameter is required").At(field)
	case lengthText.MatchString(d.Message):
		return fault.New(fault.TextTooLong, d.Message).At(field)
	case d.Location == "body" && !strings.HasPrefix(d.Message, "expected "):
		// An error of the decoder itself: it names types of ours, so it is not shown.
		return fault.New(fault.RequestInvalid, "a value of the body is not acceptable").Because(d)
	}
	return fault.New(fault.FieldInvalid, d.Message).At(field)
}

// fieldPath turns the library's location into the field of a problem: "body.contact.email" → "contact.email", "query.limit" → "limit".
func fieldPath(location string) string {
	for _, place := range []string{"body", "query", "path", "header", "cookie"} {
		if location == place {
			return ""
		}
		if rest, ok := strings.CutPrefix(location, place+"."); ok {
			return rest
		}
		if place == "body" && strings.HasPrefix(location, "body[") {
			return location[len(place):]
		}
	}
	return location
}

// NewAPI makes an API whose operations are added to mux with Register.
func (e *Edge) NewAPI(mux *http.ServeMux, c Config) huma.API {
	const schemas = "#/components/schemas/"
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: c.Title, Version: c.Version, Description: c.Description},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry(schemas, huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					schemeCookie: {Type: "apiKey", In: "cookie", Name: SessionCookie, Description: "An operator's session; see sign-in."},
					schemeBearer: {Type: "http", Scheme: "bearer", Description: "An API token (pat_…) of scope read, write or admin; each includes the ones before."},
				},
			},
		},
		Formats:                      map[string]huma.Format{jsonType: huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat:                jsonType,
		RejectUnknownQueryParameters: true,
	}
	api := humago.NewWithPrefix(mux, c.Prefix, config)
	api.UseMiddleware(e.operation)
	return api
}

// Register adds an operation. The handler gets the authenticated actor, the zero Actor for a public operation; its errors are
// faults. Key(ctx) is the caller's idempotency key.
func Register[I, O any](api huma.API, op Operation, handler func(ctx context.Context, by team.Actor, in *I) (*O, error)) {
	huma.Register(api, op.library(), func(ctx context.Context, in *I) (*O, error) {
		c := callOf(ctx)
		out, err := handler(ctx, c.actor, in)
		if err != nil {
			return nil, problemOf(c, err)
		}
		return out, nil
	})
}

func (op Operation) library() huma.Operation {
	if op.Public == (op.Scope != "") {
		panic("httpapi: operation " + op.ID + " needs either a scope or to be public")
	}
	limit := cmp.Or(op.MaxBody, int64(MaxBody))
	h := huma.Operation{
		OperationID: op.ID, Method: op.Method, Path: op.Path, Summary: op.Summary, Description: op.Description, Tags: op.Tags,
		DefaultStatus: op.Status, Hidden: op.Hidden,
		// The body was read and limited before the library sees it; its own deadline would cancel handlers that wait.
		MaxBodyBytes: limit + 1, BodyReadTimeout: -1 * time.Second,
		Metadata: map[string]any{metaScope: op.Scope, metaMaxBody: limit, metaStream: op.Stream},
	}
	statuses := map[int]bool{http.StatusUnprocessableEntity: true, http.StatusTooManyRequests: true}
	if !op.Public {
		h.Security = []map[string][]string{{schemeCookie: {}}, {schemeBearer: {op.Scope}}}
		statuses[http.StatusUnauthorized] = true
		statuses[http.StatusForbidden] = true
		if unsafe(op.Method) && !op.Stream {
			h.Parameters = append(h.Parameters, &huma.Param{Name: "Idempotency-Key", In: "header",
				Description: "1 to 128 visible ASCII characters. A repeat with the same key gets the first answer.",
				Schema:      &huma.Schema{Type: huma.TypeString, MaxLength: new(128)}})
		}
	}
	if unsafe(op.Method) {
		for _, s := range []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable} {
			statuses[s] = true
		}
		statuses[http.StatusUnsupportedMediaType] = !op.Stream
	}
	for _, code := range op.Faults {
		statuses[StatusOf(fault.New(code, ""))] = true
	}
	maps.DeleteFunc(statuses, func(_ int, given bool) bool { return !given })
	h.Errors = slices.Sorted(maps.Keys(statuses))
	if len(op.Faults) > 0 {
		names := make([]string, len(op.Faults))
		for i, code := range op.Faults {
			names[i] = "`" + string(code) + "`"
		}
		h.Description = strings.TrimSpace(h.Description + "\n\nCodes: " + strings.Join(names, ", ") + ".")
	}
	return h
}

func unsafe(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}

// operation runs before every operation of an API: authentication, scope, body, idempotency key.
func (e *Edge) operation(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	c := callOf(ctx.Context())
	if c.ctx == nil || c.ctx.Value(callKey{}) == nil {
		// Not behind Handler: still one call for everything that follows.
		ctx = huma.WithValue(ctx, callKey{}, c)
		c.ctx = ctx.Context()
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	if err := e.prepare(c, ctx.Operation(), w, r); err != nil {
		WriteProblem(w, r.WithContext(ctx.Context()), err)
		return
	}
	next(ctx)
}

func (e *Edge) prepare(c *call, op *huma.Operation, w http.ResponseWriter, r *http.Request) error {
	if scope, _ := op.Metadata[metaScope].(string); scope != "" {
		actor, err := e.Authenticate(r)
		if err != nil {
			return err
		}
		if err := allow(actor, scope); err != nil {
			return err
		}
	} else if r.Header.Get("Authorization") == "" {
		// Public writes, such as signing in, must not come from another site's page either.
		if err := e.SameOrigin(r); err != nil {
			return err
		}
	}
	if stream, _ := op.Metadata[metaStream].(bool); stream {
		return nil
	}
	limit, _ := op.Metadata[metaMaxBody].(int64)
	body, err := readBody(w, r, limit)
	if err != nil {
		return err
	}
	if body != nil {
		if err := CheckJSON(body); err != nil {
			return err
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if key := r.Header.Get("Idempotency-Key"); key != "" && unsafe(r.Method) {
		if err := once.Check(key); err != nil {
			return err
		}
		if who := actorKey(c.actor); who != "" {
			c.key = once.Key{Scope: who + " " + r.Method + " " + r.URL.Path, Value: key,
				Request: once.Digest(e.o.Pepper, []byte(r.URL.RawQuery), body)}
			c.attrs = append(c.attrs, slog.Bool("idempotent", true))
		}
	}
	return nil
}

// actorKey names the actor in a key's scope.
func actorKey(a team.Actor) string {
	switch {
	case a.Operator != 0:
		return "operator:" + strconv.FormatInt(int64(a.Operator), 10)
	case a.Token != 0:
		return "token:" + strconv.FormatInt(int64(a.Token), 10)
	}
	return ""
}
