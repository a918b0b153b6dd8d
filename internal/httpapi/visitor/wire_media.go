package visitor

// wireUploaded is a file that was uploaded and that a message can take by its key.
type wireUploaded struct {
	Key         string  `json:"key"`
	Kind        string  `json:"kind"`
	Name        string  `json:"name"`
	ContentType string  `json:"content_type"`
	Size        int64   `json:"size"`
	Width       *int    `json:"width"`
	Height      *int    `json:"height"`
	DurationMS  *int    `json:"duration_ms"`
	Peaks       []int   `json:"peaks"`
	URL         string  `json:"url"`
	ThumbURL    *string `json:"thumb_url"`
}
