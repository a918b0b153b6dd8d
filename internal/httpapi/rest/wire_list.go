package rest

import "parley/internal/inbox"

type conversationIDs struct {
	IDs  []int64 `json:"ids" nullable:"false" doc:"Latest activity first." example:"[42]"`
	More bool    `json:"more" doc:"True when there are more than 10,000."`
}

type tagCount struct {
	Tag   string `json:"tag" example:"refund"`
	Count int    `json:"count" doc:"How many conversations have it." example:"12"`
}

func wireTag(t inbox.TagCount) tagCount { return tagCount{Tag: t.Tag, Count: t.Count} }

type tagList struct {
	Items []tagCount `json:"items" nullable:"false"`
}
