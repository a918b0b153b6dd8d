package chatlio_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"parley/internal/event/eventtest"
	"parley/internal/webhook/dialect/chatlio"
)

// The structs below are those of a receiver that somebody wrote in a typed language when the document was new: every field has the
// type that the document's sample shows (S-176). They come from the document and not from the code, so that they fall out with it when
// one of the two moves.

type aVisitor struct {
	Email       string `json:"email"`
	UUID        string `json:"UUID"`
	Name        string `json:"name"`
	IdentUserID string `json:"identUserId"`
	IdentTraits string `json:"identTraits"`
	UserAgent   string `json:"userAgent"`
	Handle      string `json:"handle"`
	CurrentPage string `json:"currentPage"`
	ReferrerURL string `json:"referrerURL"`
	CreatedAt   string `json:"createdAt"`
	IPAddress   string `json:"IPAddress"`
	Location    string `json:"location"`
}

type aCommon struct {
	Visitor          aVisitor `json:"visitor"`
	Message          string   `json:"message"`
	ConversationUUID string   `json:"conversationUUID"`
	ChannelID        string   `json:"channelId"`
	SlackChannelName string   `json:"slackChannelName"`
	SlackChannelID   string   `json:"slackChannelId"`
}

// anOfflineVisitor has no location.
type anOfflineVisitor struct {
	Email       string `json:"email"`
	UUID        string `json:"UUID"`
	Name        string `json:"name"`
	IdentUserID string `json:"identUserId"`
	IdentTraits string `json:"identTraits"`
	UserAgent   string `json:"userAgent"`
	Handle      string `json:"handle"`
	CurrentPage string `json:"currentPage"`
	ReferrerURL string `json:"referrerURL"`
	CreatedAt   string `json:"createdAt"`
	IPAddress   string `json:"IPAddress"`
}

type anOfflineMessage struct {
	Name        string           `json:"name"`
	Email       string           `json:"email"`
	EmailPretty string           `json:"emailPretty"`
	Message     string           `json:"message"`
	Visitor     anOfflineVisitor `json:"visitor"`
}

type aTranscriptMessage struct {
	Text         string `json:"text"`
	TS           string `json:"ts"`
	SentAt       string `json:"sentAt"`
	UserID       string `json:"userId"`
	Username     string `json:"username"`
	IsVisitorMsg bool   `json:"isVisitorMsg"`
}

type aTranscriptOf[Traits any] struct {
	AgentEmail       string               `json:"agentEmail"`
	AgentName        string               `json:"agentName"`
	ArchiveURL       string               `json:"archiveUrl"`
	ExtraData        []string             `json:"extraData"`
	ChannelID        string               `json:"channelId"`
	ChannelName      string               `json:"channelName"`
	ConversationUUID string               `json:"conversationUUID"`
	EndedAt          string               `json:"endedAt"`
	ChatRating       string               `json:"chatRating"`
	ChatFeedback     string               `json:"chatFeedback"`
	HTMLBody         string               `json:"htmlBody"`
	TextBody         string               `json:"textBody"`
	Messages         []aTranscriptMessage `json:"messages"`
	StartedAt        string               `json:"startedAt"`
	VisitorEmail     string               `json:"visitorEmail"`
	ReplyToEmail     string               `json:"replyToEmail"`
	VisitorName      string               `json:"visitorName"`
	VisitorTraits    Traits               `json:"visitorTraits"`
	Visitor          aVisitor             `json:"visitor"`
	SlackTeamID      string               `json:"slackTeamID"`
}

type aTranscript = aTranscriptOf[map[string]string]

// fits decodes a call strictly, and says which keys the receiver knows that were not there, or the other way round.
func fits[T any](t *testing.T, body []byte) {
	t.Helper()
	v := decode[T](t, body)
	again, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if want, got := keys(t, body), keys(t, again); !slices.Equal(want, got) {
		t.Errorf("the call has the keys\n%q\nand the receiver knows\n%q", want, got)
	}
}

func keys(t *testing.T, body []byte) []string {
	t.Helper()
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(object))
}

// times are the fields that a receiver reads as times, in the two ways in which most do it.
type times struct {
	EndedAt, StartedAt time.Time
	Visitor            struct{ CreatedAt time.Time }
	Messages           []struct{ SentAt time.Time }
}

// S-173, S-176: strict JSON that typed receivers take.
func TestTypedReceiversDecodeEveryCall(t *testing.T) {
	d := chatlio.New()
	for _, s := range eventtest.Named() {
		name, told := d.Name(s.Event)
		if !told {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			body := render(t, s.Event, options())
			switch name {
			case chatlio.Transcript:
				fits[aTranscript](t, body)
				fits[aTranscriptOf[string]](t, render(t, s.Event, options(chatlio.TraitsText)))
			case chatlio.OfflineMessage:
				fits[anOfflineMessage](t, body)
			default:
				fits[aCommon](t, body)
			}
			var at times
			if err := json.Unmarshal(body, &at); err != nil || at.Visitor.CreatedAt.IsZero() {
				t.Errorf("times: %+v, %v", at, err)
			}
			created := decode[struct{ Visitor struct{ CreatedAt string } }](t, strip(t, body)).Visitor.CreatedAt
			if _, err := time.Parse("2006-01-02T15:04:05.000000-07:00", created); err != nil { // as strptime("%Y-%m-%dT%H:%M:%S.%f%z") reads it
				t.Error(err)
			}
		})
	}
}

// strip leaves a call's visitor.createdAt alone.
func strip(t *testing.T, body []byte) []byte {
	t.Helper()
	var v struct {
		Visitor struct {
			CreatedAt string `json:"createdAt"`
		} `json:"visitor"`
	}
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(out)
}

// The samples of the document, as its receivers were tried out with them. The one remark in it is not JSON and left out.
func TestTheDocumentsSamplesFitTheSameReceivers(t *testing.T) {
	fits[aCommon](t, []byte(documentCommon))
	fits[anOfflineMessage](t, []byte(documentOffline))
	fits[aTranscript](t, []byte(documentTranscript))
}

// The samples of our own page for receivers are calls that they take, too.
func TestThePagesSamplesFitTheSameReceivers(t *testing.T) {
	page, err := os.ReadFile("../../../../docs/chat-webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, block := range regexp.MustCompile("(?s)```json (\\w+)\n(.*?)```").FindAllSubmatch(page, -1) {
		kind := string(block[1])
		found = append(found, kind)
		switch kind {
		case "common":
			fits[aCommon](t, block[2])
		case "offline":
			fits[anOfflineMessage](t, block[2])
		case "transcript":
			fits[aTranscript](t, block[2])
		}
	}
	if want := []string{"common", "offline", "transcript"}; !slices.Equal(found, want) {
		t.Errorf("samples %q, want %q", found, want)
	}
}

const documentCommon = `{"visitor": {"email": "", "UUID": "2d3f4260-2235-903b-0a82-a23d326cc257", "name": "", "identUserId": "", "identTraits": "",
	"userAgent": "Mozilla/5.0", "handle": "united-states-27", "currentPage": "http://yoursite.com/signup", "referrerURL": "",
	"createdAt": "2016-02-07T11:02:17.839766-08:00", "IPAddress": "175.24.144.21", "location": "Los Angeles, California, United States"},
	"message": "Hi, I am having trouble signing up", "conversationUUID": "e3d1800d-2d9e-4966-4500-9ff986cfa197", "channelId": "C1NABCDEF",
	"slackChannelName": "live-chat", "slackChannelId": "C1XPVTNKR"}`

const documentOffline = `{"name": "Bob Smith", "email": "bob@smith.com", "emailPretty": "\"Bob Smith\" <bob@smith.com>", "message": "I just want to say I love your service!",
	"visitor": {"email": "bob@smith.com", "UUID": "2d3f4260-2235-903b-0a82-a23d326cc257", "name": "Bob Smith", "identUserId": "user1234",
	"identTraits": "{\"custom stuff\":\"things\"}", "userAgent": "Mozilla/5.0", "handle": "united-states-27", "currentPage": "http://yoursite.com/signup",
	"referrerURL": "", "createdAt": "2016-02-07T11:02:17.839766-08:00", "IPAddress": "175.24.144.21"}}`

const documentTranscript = `{"agentEmail": "someone@yourcompany.com", "agentName": "Some One", "archiveUrl": "https://yourcompany.slack.com/archives/cl-tiger128",
	"extraData": ["extra", "stuff", "here"], "channelId": "C03FVS2UR", "channelName": "costa-mesa-california-us-133",
	"conversationUUID": "e3d1800d-2d9e-4966-4500-9ff986cfa197", "endedAt": "2018-05-19T18:14:32.000026941+02:00", "chatRating": "up",
	"chatFeedback": "Great support, will use again!", "htmlBody": "<HTML>", "textBody": "<Text>", "messages": [
	{"text": "Hi! I love your webhooks!", "ts": "1469725409.000005", "sentAt": "2016-07-28T19:03:29.000005006+02:00", "userId": "",
	"username": "costa-mesa-california-us", "isVisitorMsg": true},
	{"text": "Great, thanks for letting us know!", "ts": "1469725427.000007", "sentAt": "2016-07-28T19:03:47.000006914+02:00", "userId": "U0N2GKA2G",
	"username": "Some O.", "isVisitorMsg": false}], "startedAt": "2015-07-19T14:38:15.560106+02:00", "visitorEmail": "",
	"replyToEmail": "no-reply@chatlio.com", "visitorName": "costa-mesa-california-us-133",
	"visitorTraits": {"current_page": "http://yourcompany.com/the-shop", "time_on_page": "30min", "logged_in": "false"},
	"visitor": {"email": "", "UUID": "2b959179-d06f-4fec-9c6e-1c98468d1d63", "name": "", "identUserId": "", "identTraits": "", "userAgent": "Mozilla/5.0",
	"handle": "costa-mesa-california-us-133", "currentPage": "http://chatlio.com/docs", "referrerURL": "", "createdAt": "2016-07-28T19:03:11.080407+02:00",
	"IPAddress": "64.145.94.51", "location": "Costa Mesa, California, United States"}, "slackTeamID": "T0N1FQTOD"}`
