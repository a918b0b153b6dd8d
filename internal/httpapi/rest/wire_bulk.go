package rest

import (
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"

	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/inbox"
)

type bulkInput struct {
	Action          string   `json:"action" enum:"send,unsend,end,reopen,assign,forward,tag,untag,transcript" doc:"send flags for the API add-on, unsend takes that back. transcript sends each contact what was said by mail."`
	ConversationIDs []int64  `json:"conversation_ids" nullable:"false" minItems:"1" maxItems:"100" doc:"Doubles count once." example:"[42,43]"`
	OperatorID      whom     `json:"operator_id,omitempty" required:"false" doc:"For assign, which needs it (null for nobody), and forward." example:"2"`
	GroupID         *int64   `json:"group_id,omitempty" nullable:"true" doc:"For forward, in place of operator_id." sample:"null"`
	Tags            []string `json:"tags,omitempty" doc:"For tag and untag." example:"[\"vip\"]"`
}

// whom is an operator's id or null for nobody, and tells both from nothing.
type whom struct {
	given bool
	id    *int64
}

// UnmarshalJSON implements json.Unmarshaler.
func (w *whom) UnmarshalJSON(b []byte) error {
	*w = whom{given: true}
	return json.Unmarshal(b, &w.id)
}

// Schema implements huma.SchemaProvider.
func (whom) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeInteger, Format: "int64", Nullable: true}
}

func (in bulkInput) bulk() (inbox.Bulk, error) {
	b := inbox.Bulk{Action: in.Action, Conversations: idsOf[id.Conversation](in.ConversationIDs), Tags: in.Tags}
	if b.Action == inbox.BulkAssign && !in.OperatorID.given {
		return b, fault.New(fault.FieldRequired, "say which operator, or null for nobody").At("operator_id")
	}
	var err error
	if b.Operator, err = optional[id.Operator](in.OperatorID.id, "operator_id"); err != nil {
		return b, err
	}
	b.Group, err = optional[id.Group](in.GroupID, "group_id")
	return b, err
}

type bulkResult struct {
	ID      int64   `json:"id" example:"42"`
	OK      bool    `json:"ok"`
	Changed bool    `json:"changed" doc:"False where it was so already, or where it could not be done."`
	Code    *string `json:"code" doc:"Why it could not be done, one of the codes of the single call." sample:"null"`
	Detail  *string `json:"detail" doc:"The same in words." sample:"null"`
}

type bulkAnswer struct {
	Results   []bulkResult `json:"results" nullable:"false" doc:"One for each conversation, in the order of the call."`
	Done      int          `json:"done" doc:"How many were changed." example:"1"`
	Unchanged int          `json:"unchanged" doc:"How many were so already." example:"0"`
	Failed    int          `json:"failed" doc:"To how many it could not be done." example:"0"`
}

func wireBulk(list []inbox.BulkResult) bulkAnswer {
	w := bulkAnswer{Results: make([]bulkResult, len(list))}
	for i, r := range list {
		one := bulkResult{ID: wireID(r.Conversation), OK: r.Err == nil, Changed: r.Changed}
		switch {
		case r.Err != nil:
			one.Code, one.Detail = wireStringOrNull(string(r.Err.Code)), wireStringOrNull(r.Err.Detail)
			w.Failed++
		case r.Changed:
			w.Done++
		default:
			w.Unchanged++
		}
		w.Results[i] = one
	}
	return w
}
