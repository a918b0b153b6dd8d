package rest

import (
	"strings"
	"testing"
)

// everyOperationOfHooks goes through the webhooks of a widget.
func (b *bench) everyOperationOfHooks() {
	b.Helper()
	b.do("admin", "GET", "/widgets/1/webhooks", nil).is(200).has("hooks", "5 items", "hooks.0.hook", "new_conversation", "hooks.0.title", "New conversation", "hooks.0.url", "",
		"hooks.0.endpoint_id", "<nil>", "hooks.0.state", "<nil>", "hooks.1.hook", "offline_message", "hooks.2.hook", "transcript", "hooks.3.hook", "unanswered", "hooks.4.hook", "feedback",
		"real_names", "false", "traits_text", "false")
	made := b.do("admin", "PUT", "/widgets/1/webhooks", object{"urls": object{"transcript": "https://crm.example/transcript", "feedback": "https://crm.example/feedback"}, "traits_text": true}).is(200).
		has("hooks", "5 items", "hooks.2.url", "https://crm.example/transcript", "hooks.2.state", "active", "hooks.3.url", "", "hooks.4.url", "https://crm.example/feedback",
			"real_names", "false", "traits_text", "true")
	if s := made.text("secrets.transcript"); !strings.HasPrefix(s, "whsec_") || s == made.text("secrets.feedback") {
		b.Errorf("the secrets are %s", made.body)
	}
	endpoint := "/endpoints/" + made.text("hooks.2.endpoint_id")
	b.do("admin", "GET", endpoint, nil).is(200).has("name", "Demo shop: Chat transcript", "dialect", "chatlio", "events", "1 items", "events.0", "transcript", "widgets.0", "1",
		"switches", "1 items", "switches.0", "traits_text", "hook.widget_id", "1", "hook.hook", "transcript")
	b.do("admin", "PATCH", endpoint, object{"switches": []string{"real_names"}}).is(200).has("switches.0", "real_names")
	b.do("admin", "PATCH", endpoint, object{"events": []string{}}).is(422, "field.invalid", "events")
	b.do("admin", "PUT", "/widgets/1/webhooks", object{"urls": object{"feedback": ""}, "real_names": false}).is(200).
		has("hooks.4.endpoint_id", "<nil>", "hooks.2.url", "https://crm.example/transcript", "secrets", "map[]", "traits_text", "false")
	b.do("admin", "GET", "/widgets/1/webhooks", nil).is(200).has("hooks.2.endpoint_id", strings.TrimPrefix(endpoint, "/endpoints/"), "real_names", "false")
	b.do("admin", "POST", endpoint+"/test", nil).is(200)
	b.do("admin", "DELETE", endpoint, nil).is(204)
	b.do("admin", "GET", "/widgets/1/webhooks", nil).is(200).has("hooks.2.url", "")
}

func TestSettingWebhooksAgainShowsTheSameSecrets(t *testing.T) {
	b := newBench(t)
	body := object{"urls": object{"unanswered": "https://crm.example/siren"}}
	key := []string{"Idempotency-Key", "hooks-1"}
	first := b.do("admin", "PUT", "/widgets/1/webhooks", body, key...).is(200)
	if again := b.do("admin", "PUT", "/widgets/1/webhooks", body, key...).is(200); again.text("secrets.unanswered") != first.text("secrets.unanswered") {
		t.Errorf("%s and %s", first.body, again.body)
	}
	b.do("admin", "PUT", "/widgets/1/webhooks", object{"urls": object{"unanswered": ""}}, key...).is(409, "idempotency_key.reused", "Idempotency-Key")
	// Without the key it is the same setting, and no secret is shown.
	b.do("admin", "PUT", "/widgets/1/webhooks", body).is(200).has("secrets", "map[]", "hooks.3.url", "https://crm.example/siren")
}
