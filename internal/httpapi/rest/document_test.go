package rest

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

// documentFile is the committed document. Front-end types are made from it.
const documentFile = "../../../api/openapi.json"

// TestTheCommittedDocumentIsCurrent also writes the file: go test ./internal/httpapi/rest -run TestTheCommittedDocumentIsCurrent -update
func TestTheCommittedDocumentIsCurrent(t *testing.T) {
	made := generate(t)
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(documentFile, made, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile(documentFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(committed, made) {
		t.Error("api/openapi.json is not what the code makes; run make generate")
	}
}
