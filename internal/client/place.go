package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"parley/internal/secret"
)

// Place is how far a relay has come. With a File it outlives the process.
type Place struct {
	File string
	// Server is where the numbers are from; those of another server mean something else.
	Server string
	// After is the last event that was passed on.
	After int64
	// Secret signs the calls. It is kept so that the receiver need not be told a new one after each restart.
	Secret secret.String
}

// LoadPlace reads a state file; false means that there is none yet.
func LoadPlace(file string) (Place, bool, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return Place{File: file}, false, nil
	}
	if err != nil {
		return Place{}, false, fmt.Errorf("read the state: %w", err)
	}
	var w place
	if err := json.Unmarshal(b, &w); err != nil || w.Server == "" || w.After < 0 {
		return Place{}, false, fmt.Errorf("%s is not a state file of parley listen; name another one, or delete it to begin anew", file)
	}
	return Place{File: file, Server: w.Server, After: w.After, Secret: secret.Of(w.Secret)}, true, nil
}

// Save stores the place under its name in one step: whoever looks sees the old or the new one, also after a crash. Only the
// owner may read it, for it holds the secret. Without a File it does nothing.
func (p *Place) Save() (err error) {
	if p.File == "" {
		return nil
	}
	b, err := json.Marshal(place{Server: p.Server, After: p.After, Secret: p.Secret.Reveal()})
	if err != nil {
		return fmt.Errorf("store the state: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(p.File), filepath.Base(p.File)+".*.tmp") // made with mode 0600
	if err != nil {
		return fmt.Errorf("store the state: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
			err = fmt.Errorf("store the state: %w", err)
		}
	}()
	if _, err := f.Write(append(b, '\n')); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), p.File)
}
