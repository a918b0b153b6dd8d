package rest

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"log/slog"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"parley/internal/httpapi"
	"parley/internal/inbox"
	"parley/internal/team"
)

type exportIn struct {
	ConversationFilter
	Format string `query:"format" enum:"csv,json" default:"csv" doc:"A table, or what the list has."`
}

type exportOut struct{ Body func(huma.Context) }

// exportWait is how long a caller may take to read a part of an export before it is given up.
const exportWait = 2 * time.Minute

func (h *handlers) exportConversations(_ context.Context, by team.Actor, in *exportIn) (*exportOut, error) {
	f, err := in.filter(by)
	if err != nil {
		return nil, err
	}
	return &exportOut{func(c huma.Context) {
		r, w := humago.Unwrap(c)
		if in.Format == "json" {
			h.export(w, r, f, "application/json", ".json", writeJSONList)
		} else {
			h.export(w, r, f, "text/csv; charset=utf-8", ".csv", writeTable)
		}
	}}, nil
}

// export sends what a filter selects. write gets the pages one by one, then nil at the end. What fails before the first page is a
// problem document; after it the connection is broken, so that nobody takes a part for the whole.
func (h *handlers) export(w http.ResponseWriter, r *http.Request, f inbox.Filter, kind, ending string, begin func(*bufio.Writer) func([]*inbox.View) error) {
	ctx := r.Context()
	out := bufio.NewWriterSize(w, 32<<10)
	deadline := http.NewResponseController(w)
	var write func([]*inbox.View) error
	n := 0
	err := h.Inbox.Walk(ctx, f, func(page []*inbox.View) error {
		if write == nil {
			head := w.Header()
			head.Set("Content-Type", kind)
			head.Set("Content-Disposition", `attachment; filename="conversations-`+h.Now().UTC().Format(time.DateOnly)+ending+`"`)
			write = begin(out)
		}
		n += len(page)
		deadline.SetWriteDeadline(time.Now().Add(exportWait)) // where it cannot be set there is none
		if len(page) == 0 {
			return nil
		}
		return write(page)
	})
	if err != nil && write == nil {
		httpapi.WriteProblem(w, r, err)
		return
	}
	if err == nil {
		err = write(nil)
	}
	if err == nil {
		err = out.Flush()
	}
	httpapi.Note(ctx, slog.Int("conversations", n))
	if err != nil {
		if ctx.Err() == nil {
			httpapi.Note(ctx, slog.String("broken_off", err.Error()))
		}
		panic(http.ErrAbortHandler)
	}
}

func writeJSONList(out *bufio.Writer) func([]*inbox.View) error {
	before := "[\n"
	return func(page []*inbox.View) error {
		if page == nil {
			if before == "[\n" {
				out.WriteString("[")
			}
			_, err := out.WriteString("]\n")
			return err
		}
		for _, v := range page {
			b, err := json.Marshal(wireConversation(v))
			if err != nil {
				return err
			}
			out.WriteString(before)
			before = ","
			out.Write(b)
			if err := out.WriteByte('\n'); err != nil { // the writer keeps its first error
				return err
			}
		}
		return nil
	}
}

// columns are the names of the table's columns.
var columns = []string{"id", "status", "channel", "widget", "group", "operator", "contact_name", "contact_email", "topic", "tags", "rating", "feedback",
	"messages", "created_at", "updated_at", "ended_at"}

func writeTable(out *bufio.Writer) func([]*inbox.View) error {
	table := csv.NewWriter(out)
	table.UseCRLF = true
	table.Write(columns) // the writer keeps its first error
	return func(page []*inbox.View) error {
		for _, v := range page {
			row := tableRow(v)
			for i, cell := range row {
				row[i] = harmless(cell)
			}
			table.Write(row)
		}
		table.Flush()
		return table.Error()
	}
}

func tableRow(v *inbox.View) []string {
	var group, operator, rating, feedback, ended string
	if v.Group != nil {
		group = v.Group.Name
	}
	if v.Operator != nil {
		operator = v.Operator.Name()
	}
	if v.Rating != 0 {
		rating = strconv.Itoa(v.Rating)
	}
	if v.Session != nil {
		feedback = v.Session.Feedback
	}
	if !v.EndedAt.IsZero() {
		ended = wireTime(v.EndedAt)
	}
	channel := v.Channel.Type
	if v.Channel.ID != 0 {
		channel = v.Channel.Name
	}
	return []string{strconv.FormatInt(int64(v.ID), 10), v.Status, channel, v.Widget.Name, group, operator, v.Contact.Name, v.Contact.Email, v.Topic,
		strings.Join(v.Tags, "; "), rating, feedback, strconv.Itoa(v.MessageCount), wireTime(v.CreatedAt), wireTime(v.UpdatedAt), ended}
}

// harmless keeps spreadsheets from running a cell that a visitor wrote.
func harmless(cell string) string {
	if first, _ := utf8.DecodeRuneInString(cell); cell != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return "'" + cell
	}
	return cell
}

// describeExport adds to the document what the library cannot see of a streamed answer.
func describeExport(doc *huma.OpenAPI) {
	item := doc.Paths["/conversations/export"]
	if item == nil || item.Get == nil {
		return
	}
	one := doc.Components.Schemas.Schema(reflect.TypeFor[conversation](), true, "")
	item.Get.Responses["200"].Content = map[string]*huma.MediaType{
		"text/csv":         {Schema: &huma.Schema{Type: huma.TypeString, Examples: []any{strings.Join(columns, ",") + "\r\n"}}},
		"application/json": {Schema: &huma.Schema{Type: huma.TypeArray, Items: one}},
	}
}
