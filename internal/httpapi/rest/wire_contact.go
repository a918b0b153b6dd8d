package rest

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"parley/internal/contact"
	"parley/internal/event"
)

// contactObject is a contact. Its name in the API's document is Contact.
type contactObject struct {
	ID          int64      `json:"id" example:"5"`
	UUID        string     `json:"uuid" format:"uuid" example:"0198c0de-0000-7000-8000-000000000005"`
	Name        string     `json:"name" doc:"Empty while unknown." example:""`
	DisplayName string     `json:"display_name" doc:"The name, or “Visitor 5” while it is unknown." example:"Visitor 5"`
	Email       string     `json:"email" example:""`
	Phone       string     `json:"phone" example:""`
	ExternalID  string     `json:"external_id" doc:"Your own id of this person; empty when there is none." example:""`
	ClaimedID   string     `json:"claimed_id" doc:"What the page's script calls this person, without a signature: no proof of anything. Empty when it says nothing." example:""`
	Handle      string     `json:"handle" doc:"The generated name: the place and the contact's number. Empty until the first conversation, fixed for life then." example:"united-states-27"`
	Custom      jsonObject `json:"custom" doc:"Whatever the site told about the contact." example:"{}"`
	Additional  additional `json:"additional" nullable:"false" doc:"The free fields 01 to 03, always three." example:"[{\"name\":\"Customer number\",\"value\":\"C-1042\"},{\"name\":\"\",\"value\":\"\"},{\"name\":\"\",\"value\":\"\"}]"`
	CreatedAt   string     `json:"created_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	UpdatedAt   string     `json:"updated_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
}

// additionalField is one of a contact's free fields.
type additionalField struct {
	Name  string `json:"name" example:""`
	Value string `json:"value" example:""`
}

// additional are all of them.
type additional [3]additionalField

func wireAdditional(list []event.Additional) (w additional) {
	for i, f := range list[:min(len(list), len(w))] {
		w[i] = additionalField{f.Name, f.Value}
	}
	return w
}

// additionalPatch is what shall become of the free fields, nil leaving one as it is.
type additionalPatch []*additionalField

// Schema implements huma.SchemaProvider: the library does not say by itself that items can be null.
func (additionalPatch) Schema(r huma.Registry) *huma.Schema {
	field := r.Schema(reflect.TypeFor[additionalField](), true, "")
	return &huma.Schema{Type: huma.TypeArray, MaxItems: new(3), Items: &huma.Schema{AnyOf: []*huma.Schema{field, {Type: "null"}}}}
}

func wireContact(c *event.Contact) contactObject {
	return contactObject{
		ID:          wireID(c.ID),
		UUID:        c.UUID,
		Name:        c.Name,
		DisplayName: c.DisplayName(),
		Email:       c.Email,
		Phone:       c.Phone,
		ExternalID:  c.ExternalID,
		ClaimedID:   c.ClaimedID,
		Handle:      c.Handle,
		Custom:      jsonObject(c.Custom),
		Additional:  wireAdditional(c.Additional),
		CreatedAt:   wireTime(c.CreatedAt),
		UpdatedAt:   wireTime(c.UpdatedAt),
	}
}

// contactDetail is a contact with what is known of their mails.
type contactDetail struct {
	ID          int64        `json:"id" example:"5"`
	UUID        string       `json:"uuid" format:"uuid" example:"0198c0de-0000-7000-8000-000000000005"`
	Name        string       `json:"name" doc:"Empty while unknown." example:""`
	DisplayName string       `json:"display_name" doc:"The name, or “Visitor 5” while it is unknown." example:"Visitor 5"`
	Email       string       `json:"email" example:""`
	Phone       string       `json:"phone" example:""`
	ExternalID  string       `json:"external_id" doc:"Your own id of this person; empty when there is none." example:""`
	ClaimedID   string       `json:"claimed_id" doc:"What the page's script calls this person, without a signature: no proof of anything. Empty when it says nothing." example:""`
	Handle      string       `json:"handle" doc:"The generated name: the place and the contact's number. Empty until the first conversation, fixed for life then." example:"united-states-27"`
	Custom      jsonObject   `json:"custom" doc:"Whatever the site told about the contact." example:"{}"`
	Additional  additional   `json:"additional" nullable:"false" doc:"The free fields 01 to 03, always three." example:"[{\"name\":\"Customer number\",\"value\":\"C-1042\"},{\"name\":\"\",\"value\":\"\"},{\"name\":\"\",\"value\":\"\"}]"`
	CreatedAt   string       `json:"created_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	UpdatedAt   string       `json:"updated_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	MailProblem *mailProblem `json:"mail_problem" doc:"Why mails do not reach the contact: a mail server has refused the address for good. Null while nothing of that kind is known." sample:"null"`
}

func wireContactDetail(c contactObject, problem *mailProblem) contactDetail {
	return contactDetail{
		ID:          c.ID,
		UUID:        c.UUID,
		Name:        c.Name,
		DisplayName: c.DisplayName,
		Email:       c.Email,
		Phone:       c.Phone,
		ExternalID:  c.ExternalID,
		ClaimedID:   c.ClaimedID,
		Handle:      c.Handle,
		Custom:      c.Custom,
		Additional:  c.Additional,
		CreatedAt:   c.CreatedAt,
		UpdatedAt:   c.UpdatedAt,
		MailProblem: problem,
	}
}

type contactPage struct {
	Items      []contactObject `json:"items" nullable:"false"`
	NextCursor *string         `json:"next_cursor" doc:"Send it as cursor for the next page; null on the last page."`
}

type contactPatch struct {
	Name       *string         `json:"name,omitempty" example:"Ann"`
	Email      *string         `json:"email,omitempty"`
	Phone      *string         `json:"phone,omitempty"`
	ExternalID *string         `json:"external_id,omitempty"`
	Custom     *jsonObject     `json:"custom,omitempty" doc:"Replaces the custom data. At most 32768 bytes and 8 levels."`
	Additional additionalPatch `json:"additional,omitempty" doc:"The free fields 01, 02 and 03, name and value of at most 200 characters each. Null leaves a field as it is."`
}

func (p contactPatch) change() contact.Change {
	ch := contact.Change{Name: p.Name, Email: p.Email, Phone: p.Phone, ExternalID: p.ExternalID}
	if p.Custom != nil {
		raw := event.RawJSON(*p.Custom)
		ch.Custom = &raw
	}
	for i, f := range p.Additional[:min(len(p.Additional), len(ch.Additional))] {
		if f != nil {
			ch.Additional[i] = &event.Additional{Name: f.Name, Value: f.Value}
		}
	}
	return ch
}
