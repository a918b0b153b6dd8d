package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"parley/internal/fault"
	"parley/internal/httpapi"
	"parley/internal/media"
	"parley/internal/team"
)

// uploadType is the content type by which the document says that a body is bytes of any kind. Callers may send any other.
const uploadType = "application/octet-stream"

func (h *handlers) files(api huma.API) {
	tags := []string{tagFiles}
	add(h, api, httpapi.Operation{
		ID: "upload-media", Method: http.MethodPost, Path: "/media", Tags: tags, Scope: team.ScopeWrite, Status: http.StatusCreated, Stream: true,
		Summary: "Upload a file",
		Description: "The request's body is the file. What it is comes from its bytes, whatever the name and the content type say. Who uploaded it can send it with its " +
			"`key` in one message within 24 hours; then it is removed.",
		Faults: codes(fault.MediaEmpty, fault.MediaTooLarge, fault.FieldInvalid),
	}, h.upload)
	add(h, api, httpapi.Operation{
		ID: "get-media-limits", Method: http.MethodGet, Path: "/media/limits", Tags: tags, Scope: team.ScopeRead,
		Summary: "How large files may be",
	}, h.mediaLimits)
}

// uploadIn takes the request itself: its body is no JSON.
type uploadIn struct {
	Name       string `query:"name" maxLength:"1000" doc:"What the file is called. Folders, invisible characters and a wrong extension are taken off."`
	Voice      bool   `query:"voice" doc:"Whether it was recorded as a voice note."`
	DurationMS int    `query:"duration_ms" minimum:"0" maximum:"86400000" doc:"Of a voice note: how long it is, in milliseconds."`
	Peaks      []int  `query:"peaks" doc:"Of a voice note: its loudness over time, up to 64 numbers from 0 to 100, separated by commas."`

	r *http.Request
	w http.ResponseWriter
}

// Resolve implements huma.Resolver.
func (in *uploadIn) Resolve(ctx huma.Context) []error {
	in.r, in.w = humago.Unwrap(ctx)
	return nil
}

type uploadOut struct{ Body uploaded }

func (h *handlers) upload(ctx context.Context, by team.Actor, in *uploadIn) (*uploadOut, error) {
	if in.r.ContentLength > h.Media.MaxUpload {
		in.w.Header().Set("Connection", "close")
		return nil, media.TooLarge(h.Media.MaxUpload)
	}
	owner := media.Owner{Kind: media.OwnedByOperator, ID: int64(by.Operator)}
	if by.Operator == 0 {
		owner = media.Owner{Kind: media.OwnedByToken, ID: int64(by.Token)}
	}
	m, err := h.Media.Upload(ctx, owner, media.Upload{Name: in.Name, Voice: in.Voice, DurationMS: in.DurationMS, Peaks: in.Peaks}, httpapi.Stream(in.w, in.r))
	if err != nil {
		return nil, err
	}
	return &uploadOut{wireUploaded(h.Links, m, h.Now())}, nil
}

type limitsOut struct{ Body mediaLimits }

func (h *handlers) mediaLimits(context.Context, team.Actor, *struct{}) (*limitsOut, error) {
	return &limitsOut{mediaLimits{h.Media.MaxUpload}}, nil
}

// describeUpload adds to the document that an upload's body is the file: the library knows bodies of JSON only.
func describeUpload(doc *huma.OpenAPI) {
	doc.Paths["/media"].Post.RequestBody = &huma.RequestBody{Required: true, Description: "The bytes of the file.",
		Content: map[string]*huma.MediaType{uploadType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}
}
