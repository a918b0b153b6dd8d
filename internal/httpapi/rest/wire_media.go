package rest

import (
	"time"

	"parley/internal/event"
	"parley/internal/media"
)

// uploaded is a file that waits for its message.
type uploaded struct {
	Key         string  `json:"key" example:"pXb0…" doc:"Send it as media of a message."`
	Kind        string  `json:"kind" enum:"image,audio,voice,video,pdf,file" example:"image"`
	Name        string  `json:"name" example:"lamp.jpg"`
	ContentType string  `json:"content_type" example:"image/jpeg" doc:"What the bytes are."`
	Size        int64   `json:"size" example:"120482"`
	Width       *int    `json:"width" example:"1200"`
	Height      *int    `json:"height" example:"800"`
	DurationMS  *int    `json:"duration_ms" sample:"null"`
	Peaks       []int   `json:"peaks" nullable:"false"`
	URL         string  `json:"url" example:"https://chat.example.com/media/pXb0…/lamp.jpg?e=…&s=…"`
	ThumbURL    *string `json:"thumb_url" example:"https://chat.example.com/media/pXb0…/lamp.jpg?e=…&v=thumb&s=…"`
}

func wireUploaded(links *media.Links, m *event.Media, now time.Time) uploaded {
	known := func(n int) *int {
		if n == 0 {
			return nil
		}
		return &n
	}
	return uploaded{Key: m.Key, Kind: m.Kind, Name: m.Name, ContentType: m.ContentType, Size: m.Size, Width: known(m.Width), Height: known(m.Height),
		DurationMS: known(m.DurationMS), Peaks: append([]int{}, m.Peaks...), URL: links.URL(m, now), ThumbURL: wireStringOrNull(links.Thumb(m, now))}
}

type mediaLimits struct {
	MaxUpload int64 `json:"max_upload" example:"26214400" doc:"Greatest size of a file in bytes."`
}
