package rest

import (
	"parley/internal/secret"
	"parley/internal/webhook"
)

// widgetHook is one of a widget's five webhooks.
type widgetHook struct {
	Hook        string  `json:"hook" enum:"new_conversation,offline_message,transcript,unanswered,feedback"`
	Title       string  `json:"title" example:"New conversation"`
	Description string  `json:"description" example:"A visitor's first message started a chat."`
	URL         string  `json:"url" doc:"Empty while it is not used." example:"https://crm.example/hooks/chat"`
	EndpointID  *int64  `json:"endpoint_id" doc:"The endpoint that it is; null without a URL." example:"1"`
	State       *string `json:"state" enum:"active,paused,gone" doc:"The endpoint's state; null without a URL."`
}

type widgetHooks struct {
	Hooks      []widgetHook `json:"hooks" nullable:"false" doc:"All five, always in this order: new_conversation, offline_message, transcript, unanswered, feedback."`
	RealNames  bool         `json:"real_names" doc:"Transcripts tell operators by their full names, instead of first name and initial."`
	TraitsText bool         `json:"traits_text" doc:"In transcripts visitorTraits is a text of JSON, instead of an object."`
}

// widgetHooksSaved is widgetHooks with what is shown only once.
type widgetHooksSaved struct {
	Hooks      []widgetHook `json:"hooks" nullable:"false" doc:"All five, always in this order: new_conversation, offline_message, transcript, unanswered, feedback."`
	RealNames  bool         `json:"real_names"`
	TraitsText bool         `json:"traits_text"`
	Secrets    stringMap    `json:"secrets" doc:"The signing secrets of the webhooks that this call made, by their names; shown only here." example:"{\"transcript\": \"whsec_…\"}"`
}

type widgetHooksInput struct {
	URLs       *hookURLs `json:"urls,omitempty"`
	RealNames  *bool     `json:"real_names,omitempty" doc:"Needs a webhook with a URL."`
	TraitsText *bool     `json:"traits_text,omitempty" doc:"Needs a webhook with a URL."`
}

// hookURLs are the addresses of a widget's webhooks.
type hookURLs struct {
	NewConversation *string `json:"new_conversation,omitempty" doc:"What is left out stays as it is; an empty text takes the webhook away." example:"https://crm.example/hooks/chat"`
	OfflineMessage  *string `json:"offline_message,omitempty" example:"https://crm.example/hooks/offline"`
	Transcript      *string `json:"transcript,omitempty" example:"https://crm.example/hooks/transcript"`
	Unanswered      *string `json:"unanswered,omitempty" example:""`
	Feedback        *string `json:"feedback,omitempty" example:""`
}

func (in widgetHooksInput) draft() webhook.HooksDraft {
	d := webhook.HooksDraft{RealNames: in.RealNames, TraitsText: in.TraitsText, URLs: map[string]string{}}
	if u := in.URLs; u != nil {
		for name, url := range map[string]*string{"new_conversation": u.NewConversation, "offline_message": u.OfflineMessage, "transcript": u.Transcript,
			"unanswered": u.Unanswered, "feedback": u.Feedback} {
			if url != nil {
				d.URLs[name] = *url
			}
		}
	}
	return d
}

func wireHooks(h *webhook.Hooks) widgetHooks {
	return widgetHooks{
		Hooks: wireList(h.List, func(s webhook.HookState) widgetHook {
			one := widgetHook{Hook: s.Name, Title: s.Title, Description: s.Description, URL: s.URL}
			if s.Endpoint != 0 {
				e := wireID(s.Endpoint)
				one.EndpointID, one.State = &e, &s.State
			}
			return one
		}),
		RealNames:  h.RealNames,
		TraitsText: h.TraitsText,
	}
}

func wireHooksSaved(h *webhook.Hooks, secrets map[string]secret.String) widgetHooksSaved {
	shown := wireHooks(h)
	out := widgetHooksSaved{Hooks: shown.Hooks, RealNames: shown.RealNames, TraitsText: shown.TraitsText, Secrets: stringMap{}}
	for name, s := range secrets {
		out.Secrets[name] = s.Reveal()
	}
	return out
}
