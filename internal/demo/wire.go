package demo

type wireCall struct {
	N          int               `json:"n"`
	Endpoint   string            `json:"endpoint"`
	ReceivedAt string            `json:"received_at"`
	Method     string            `json:"method"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
	Status     int               `json:"status"` // 0 while hanging
	DurationMS float64           `json:"duration_ms"`
	Attempt    int               `json:"attempt"`
	WebhookID  string            `json:"webhook_id"`
	Signature  string            `json:"signature"` // valid, invalid or missing
}

type wireCalls struct {
	Items []wireCall `json:"items"`
	Next  int        `json:"next"`
}

type wireMode struct {
	Mode string `json:"mode"`
}
