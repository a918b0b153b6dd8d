package httpapi

import "net/http"

// problem is the error document (RFC 9457) of the whole HTTP interface.
type problem struct {
	Type      string         `json:"type" format:"uri" doc:"Where the code is explained."`
	Title     string         `json:"title" doc:"The same for every occurrence of the code."`
	Status    int            `json:"status" doc:"The HTTP status."`
	Detail    string         `json:"detail" doc:"What failed this time and what to do about it."`
	Code      string         `json:"code" doc:"Stable code; see the error reference." example:"conversation.ended"`
	Field     string         `json:"field,omitempty" doc:"Dotted path in the JSON body, or the name of a parameter or header."`
	RequestID string         `json:"request_id" doc:"Quote it when you ask for help."`
	Errors    []problemFault `json:"errors,omitempty" doc:"All faults, when there are several."`

	headers http.Header
}

// problemFault is one of several faults.
type problemFault struct {
	Field  string `json:"field" doc:"Dotted path in the JSON body, or the name of a parameter or header."`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Error implements error for the OpenAPI library.
func (p *problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus tells the OpenAPI library the status.
func (p *problem) GetStatus() int { return p.Status }

// GetHeaders tells the OpenAPI library the headers.
func (p *problem) GetHeaders() http.Header { return p.headers }

// ContentType tells the OpenAPI library the content type.
func (p *problem) ContentType(string) string { return problemType }
