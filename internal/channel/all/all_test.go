package all_test

import (
	"os"
	"slices"
	"testing"

	"parley/internal/channel/all"
)

func TestEveryFolderIsListed(t *testing.T) {
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	var folders, types []string
	for _, e := range entries {
		if e.IsDir() && e.Name() != "all" && e.Name() != "channeltest" {
			folders = append(folders, e.Name())
		}
	}
	for _, k := range all.Kinds() {
		types = append(types, k.Info().Type)
	}
	if !slices.Equal(folders, types) {
		t.Errorf("folders %v, listed kinds %v", folders, types)
	}
}
