package rest

import (
	"errors"
	"io"
	"net/http"
	"time"

	channels "parley/internal/channel"
	"parley/internal/fault"
	"parley/internal/httpapi"
)

// The routes that channels' other sides post to. They have limits of their own, by channel: many messages of one sender are no attack.
const (
	InboundMessages = "POST /channels/{key}"
	InboundReceipts = "POST /channels/{key}/receipts"
)

// inboundTime is how long the other side of a channel may take to send a body.
const inboundTime = 30 * time.Second

// RegisterInbound adds the doors of channels to mux: POST /channels/{key} for messages and POST /channels/{key}/receipts. They are for
// programs, so no browser of another site gets at the answers.
func RegisterInbound(mux *http.ServeMux, desk *channels.Desk) {
	open := func(answer func(w http.ResponseWriter, r *http.Request, door *channels.Door, body []byte) error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if err := enter(w, r, desk, answer); err != nil {
				httpapi.WriteProblem(w, r, err)
			}
		}
	}
	mux.HandleFunc(InboundMessages, open(func(w http.ResponseWriter, r *http.Request, door *channels.Door, body []byte) error {
		got, err := door.Receive(r.Context(), body)
		if err != nil {
			return err
		}
		httpapi.WriteJSON(w, r, http.StatusOK, inboundAnswer{wireID(got.Message), wireID(got.Conversation), wireID(got.Contact), got.Duplicate})
		return nil
	}))
	mux.HandleFunc(InboundReceipts, open(func(w http.ResponseWriter, r *http.Request, door *channels.Door, body []byte) error {
		got, err := door.Receipt(r.Context(), body)
		if err != nil {
			return err
		}
		httpapi.WriteJSON(w, r, http.StatusOK, receiptAnswer{got.Message})
		return nil
	}))
}

// enter checks the token before anything of the body is read.
func enter(w http.ResponseWriter, r *http.Request, desk *channels.Desk, answer func(http.ResponseWriter, *http.Request, *channels.Door, []byte) error) error {
	ip := ""
	if a := httpapi.ClientIP(r.Context()); a.IsValid() {
		ip = a.String()
	}
	who := channels.Caller{Key: r.PathValue("key"), Token: r.Header.Get("API-SECURITY-TOKEN"), IP: ip, From: httpapi.ClientKey(r.Context())}
	door, err := desk.Open(r.Context(), who, func(err error) int { return httpapi.StatusOf(fault.As(err)) })
	if err != nil {
		w.Header().Set("Connection", "close") // nobody reads the rest
		return err
	}
	c := http.NewResponseController(w)
	c.SetReadDeadline(time.Now().Add(inboundTime)) // writers of tests know no deadlines
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, channels.MaxInbound))
	c.SetReadDeadline(time.Time{})
	if err != nil {
		err = fault.New(fault.RequestMalformed, "the body could not be read to its end").Because(err)
		if _, ok := errors.AsType[*http.MaxBytesError](errors.Unwrap(err)); ok {
			err = fault.Newf(fault.RequestTooLarge, "the body is larger than %d bytes", channels.MaxInbound)
		}
		door.Refused(r.Context(), err)
		return err
	}
	return answer(w, r, door, body)
}
