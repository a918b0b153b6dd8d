package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"parley/internal/fault"
	"parley/internal/httpapi"
	"parley/internal/webhook/dialect"
)

const description = "The API of operators' apps and of integrations. See /docs for a guide, the error codes, the socket and the callbacks.\n\n" +
	"**Conventions.** JSON in UTF-8. Times are RFC 3339 in UTC with microseconds. Ids are integers below 2^53. A value that is unknown or does not apply is null and never " +
	"left out, unless the reference says so. New keys may be added to answers at any time: ignore what you do not know. Request bodies are strict: a key that the call " +
	"does not know is refused.\n\n" +
	"**Errors.** `application/problem+json` with a stable `code`.\n\n" +
	"**Lists.** `{\"items\": […], \"next_cursor\": …}`; send `next_cursor` as `cursor` for the next page. Cursors are opaque.\n\n" +
	"**Repeats.** Send an `Idempotency-Key` with a write and repeat it as often as you like: the same key with the same request gets the first answer, for 7 days. " +
	"Writes that set something to a value can be repeated without one. The few writes that happen again on a repeat do not list the header."

// complete makes the document say what the library leaves out: which answers hold null, which codes an operation has,
// examples, tags and webhooks.
func complete(doc *huma.OpenAPI, faults map[string][]fault.Code, dialects []dialect.Info) {
	doc.Tags = []*huma.Tag{
		{Name: tagAccount, Description: "Signing in, and the signed-in operator."},
		{Name: tagConversations, Description: "Conversations with their sessions and messages."},
		{Name: tagReplies, Description: "Texts that operators send with a few keys, and questions whose answers contacts can click."},
		{Name: tagFiles, Description: "Files that go along with messages."},
		{Name: tagContacts, Description: "The people who write to you."},
		{Name: tagVisitors, Description: "Who is on your sites now."},
		{Name: tagEvents, Description: "The numbered feed of everything that happened."},
		{Name: tagOperators, Description: "The people who answer."},
		{Name: tagGroups, Description: "Groups of operators, to which widgets route."},
		{Name: tagWidgets, Description: "The messengers on your sites."},
		{Name: tagChannels, Description: "Where else than on your sites conversations take place."},
		{Name: tagMails, Description: "Mails to contacts: transcripts, answers that they missed, and ways to sign in again."},
		{Name: tagEndpoints, Description: "Other systems that get callbacks."},
		{Name: tagDeliveries, Description: "The log of callbacks."},
		{Name: tagTokens, Description: "Access for programs."},
		{Name: tagAudit, Description: "What somebody responsible may have to know later."},
	}
	describeExport(doc)
	r := doc.Components.Schemas
	// The schema of events is reached by no other answer when the feed is empty of operations that use it.
	event := r.Schema(reflect.TypeFor[eventObject](), true, "")
	requests := map[string]bool{}
	eachOperation(doc, func(_, _ string, op *huma.Operation) {
		if op.RequestBody != nil {
			reach(r, op.RequestBody.Content["application/json"].Schema, requests)
		}
	})
	for name, s := range r.Map() {
		t := r.TypeFromRef("#/components/schemas/" + name)
		if t == nil || t.Kind() != reflect.Struct {
			continue
		}
		nullables(t, s)
		if !requests[name] {
			// Answers may grow; only what is sent to us is checked for unknown keys.
			s.AdditionalProperties = nil
		}
	}
	eachOperation(doc, func(_, _ string, op *huma.Operation) {
		describe(r, op, faults[op.OperationID])
	})
	doc.Webhooks = map[string]*huma.PathItem{}
	for _, info := range dialects {
		if info.Name != "standard" {
			continue
		}
		for _, e := range info.Events {
			doc.Webhooks[e.Name] = &huma.PathItem{Post: &huma.Operation{
				OperationID: "on-" + strings.ReplaceAll(e.Name, ".", "-"), Tags: []string{tagEndpoints}, Summary: e.Title,
				Description: e.Description + " Sent to endpoints of the dialect “standard”, signed with the Standard Webhooks headers.",
				RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: event}}},
				Responses: map[string]*huma.Response{
					"2XX": {Description: "Received."},
					"410": {Description: "The receiver wants no more calls; the endpoint is stopped."},
				},
				Security: []map[string][]string{},
			}}
		}
	}
	describeUpload(doc)
}

const idempotencyKey = "Idempotency-Key"

// eachOperation visits the operations in the order of the document's paths.
func eachOperation(doc *huma.OpenAPI, visit func(path, method string, op *huma.Operation)) {
	paths := make([]string, 0, len(doc.Paths))
	for p := range doc.Paths {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	for _, p := range paths {
		item := doc.Paths[p]
		for _, m := range []struct {
			method string
			op     *huma.Operation
		}{{http.MethodGet, item.Get}, {http.MethodPost, item.Post}, {http.MethodPut, item.Put}, {http.MethodPatch, item.Patch}, {http.MethodDelete, item.Delete}} {
			if m.op != nil {
				visit(p, m.method, m.op)
			}
		}
	}
}

// reach notes the names of all schemas that s leads to.
func reach(r huma.Registry, s *huma.Schema, seen map[string]bool) {
	if s == nil {
		return
	}
	if s.Ref != "" {
		name := refName(s.Ref)
		if seen[name] {
			return
		}
		seen[name] = true
		s = r.SchemaFromRef(s.Ref)
	}
	for _, p := range s.Properties {
		reach(r, p, seen)
	}
	for _, p := range s.AnyOf {
		reach(r, p, seen)
	}
	reach(r, s.Items, seen)
}

func refName(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

// nullables completes the properties of a struct's schema that can be null: the library says so for scalars only, and
// forgets null among the values of an enumeration.
func nullables(t reflect.Type, s *huma.Schema) {
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		p := s.Properties[name]
		if p == nil || f.Type.Kind() != reflect.Pointer {
			continue
		}
		if p.Nullable && len(p.Enum) > 0 && !slices.Contains(p.Enum, nil) {
			p.Enum = append(p.Enum, nil)
		}
		if p.Ref != "" && !strings.Contains(options, "omitempty") {
			p = &huma.Schema{Description: p.Description, AnyOf: []*huma.Schema{{Ref: p.Ref}, {Type: "null"}}}
			if f.Tag.Get("sample") == "null" {
				p.Examples = []any{nil}
			}
			s.Properties[name] = p
		}
	}
}

// everywhere are the codes that operations have by themselves, by status.
func everywhere(status int) []fault.Code {
	switch status {
	case http.StatusBadRequest:
		return codes(fault.RequestMalformed)
	case http.StatusUnauthorized:
		return codes(fault.AuthRequired, fault.AuthInvalid)
	case http.StatusForbidden:
		return codes(fault.AuthDenied, fault.AuthScope, fault.AuthCrossOrigin)
	case http.StatusRequestEntityTooLarge:
		return codes(fault.RequestTooLarge)
	case http.StatusUnsupportedMediaType:
		return codes(fault.RequestMediaType)
	case http.StatusUnprocessableEntity:
		return codes(fault.RequestUnknownField, fault.FieldRequired, fault.FieldInvalid, fault.RequestInvalid)
	case http.StatusTooManyRequests:
		return codes(fault.RequestLimited)
	case http.StatusServiceUnavailable:
		return codes(fault.DatabaseUnavailable, fault.DatabaseBusy, fault.ShuttingDown)
	}
	return codes(fault.InternalError)
}

// describe writes the codes into the descriptions of the answers, and adds examples.
func describe(r huma.Registry, op *huma.Operation, own []fault.Code) {
	for status, answer := range op.Responses {
		n, err := strconv.Atoi(status)
		if err != nil || n < 400 {
			for _, m := range answer.Content {
				m.Example = example(r, m.Schema)
			}
			continue
		}
		var list []string
		for _, c := range own {
			if httpapi.StatusOf(fault.New(c, "")) == n {
				list = append(list, "`"+string(c)+"`")
			}
		}
		if n != http.StatusNotFound && n != http.StatusConflict {
			for _, c := range everywhere(n) {
				if !slices.Contains(list, "`"+string(c)+"`") {
					list = append(list, "`"+string(c)+"`")
				}
			}
		}
		answer.Description = http.StatusText(n) + ": " + strings.Join(list, ", ") + "."
	}
	if op.RequestBody != nil {
		m := op.RequestBody.Content["application/json"]
		m.Example = example(r, m.Schema)
	}
}

// example makes a value from the examples of a schema's properties, with its keys in the contract's order.
func example(r huma.Registry, s *huma.Schema) json.RawMessage {
	var b bytes.Buffer
	writeExample(&b, r, s, nil)
	var out bytes.Buffer
	if err := json.Compact(&out, b.Bytes()); err != nil {
		panic(fmt.Sprintf("rest: example of %s: %v", s.Ref, err))
	}
	return out.Bytes()
}

func writeExample(b *bytes.Buffer, r huma.Registry, s *huma.Schema, within []string) {
	put := func(v any) {
		e := json.NewEncoder(b)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			panic("rest: example: " + err.Error())
		}
	}
	if len(s.Examples) > 0 {
		put(s.Examples[0])
		return
	}
	if s.Ref != "" {
		name := refName(s.Ref)
		if slices.Contains(within, name) {
			b.WriteString("null")
			return
		}
		target := r.SchemaFromRef(s.Ref)
		if t := r.TypeFromRef(s.Ref); t != nil && t.Kind() == reflect.Struct {
			names := propertyNames(t, target)
			if t == reflect.TypeFor[eventData]() {
				names = []string{"conversation", "session", "message"} // as in message.received
			}
			b.WriteByte('{')
			for i, p := range names {
				if i > 0 {
					b.WriteByte(',')
				}
				put(p)
				b.WriteByte(':')
				writeExample(b, r, target.Properties[p], append(within, name))
			}
			b.WriteByte('}')
			return
		}
		s = target
	}
	switch {
	case len(s.AnyOf) > 0:
		writeExample(b, r, s.AnyOf[0], within)
	case s.Nullable && s.Type != huma.TypeArray:
		b.WriteString("null")
	case len(s.Enum) > 0:
		put(s.Enum[0])
	case s.Type == huma.TypeArray:
		b.WriteByte('[')
		writeExample(b, r, s.Items, within)
		b.WriteByte(']')
	case s.Type == huma.TypeBoolean:
		b.WriteString("false")
	case s.Type == huma.TypeInteger, s.Type == huma.TypeNumber:
		b.WriteByte('1')
	case s.Type == huma.TypeString:
		b.WriteString(`""`)
	default:
		b.WriteString("{}")
	}
}

// propertyNames are a struct's keys in the order in which they are written.
func propertyNames(t reflect.Type, s *huma.Schema) []string {
	var out []string
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if s.Properties[name] != nil {
			out = append(out, name)
		}
	}
	return out
}

// schemaName is the name that a wire struct has in the document. Where a package has the plain name, the struct is called
// contactObject; readers need not know.
func schemaName(name string) string { return strings.TrimSuffix(name, "Object") }

// marshalDocument renders the document as it is committed and served.
func marshalDocument(doc *huma.OpenAPI) []byte {
	raw, err := json.Marshal(doc)
	if err != nil {
		panic("rest: marshal the OpenAPI document: " + err.Error())
	}
	for name := range doc.Components.Schemas.Map() {
		if short := schemaName(name); short != name {
			raw = bytes.ReplaceAll(raw, []byte(`#/components/schemas/`+name+`"`), []byte(`#/components/schemas/`+short+`"`))
			raw = bytes.ReplaceAll(raw, []byte(`"`+name+`":`), []byte(`"`+short+`":`))
		}
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		panic("rest: indent the OpenAPI document: " + err.Error())
	}
	out.WriteByte('\n')
	return out.Bytes()
}
