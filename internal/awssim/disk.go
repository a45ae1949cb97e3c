package awssim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// storeFormat is the form of the file. It increases with each change that an older program cannot read.
const storeFormat = 1

// saved is the form of a cloud on disk. Its fields are those of account.
type saved struct {
	// Format is that of the program that wrote the file; 0 is one of before there were formats, with the fields of 1.
	Format int `json:"format"`
	// Account is the ID of the account; empty in a file of format 0.
	Account   string            `json:"account,omitempty"`
	Objects   []*Object         `json:"objects"`
	Left      map[string]string `json:"left"`
	Snapshots map[string]string `json:"snapshots,omitempty"`
	Engines   map[string]string `json:"engines,omitempty"`
	Finals    []string          `json:"finals,omitempty"`
	Clock     time.Time         `json:"clock"`
	Created   map[string]int    `json:"made"`
}

// OpenCloud returns the cloud kept in the file at path, empty where there is no such file yet. The cloud writes every
// change to the file before it reports the change, so an interrupted run loses nothing.
func OpenCloud(path string) (*Cloud, error) {
	c := NewCloud(Site{})
	c.path = path
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the simulated cloud: %w", err)
	}
	var s saved
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("reading the simulated cloud %s: %w (delete the file to begin anew)", path, err)
	}
	if s.Format > storeFormat {
		return nil, fmt.Errorf("reading the simulated cloud %s: a newer program wrote it (format %d, this one reads %d): "+
			"use that program, or delete the folder %s to begin anew", path, s.Format, storeFormat, filepath.Dir(path))
	}
	c.fill(s)
	return c, nil
}

// fill puts what was saved into an empty cloud.
func (c *Cloud) fill(s saved) {
	c.id = s.Account
	for _, o := range s.Objects {
		c.add(o)
	}
	maps.Copy(c.left, s.Left)
	maps.Copy(c.created, s.Created)
	maps.Copy(c.snapshots, s.Snapshots)
	maps.Copy(c.engines, s.Engines)
	c.finals, c.clock = s.Finals, s.Clock
}

// Copy returns a copy of the cloud in memory.
func (c *Cloud) Copy() (*Cloud, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text, err := json.Marshal(c.saved())
	if err != nil {
		return nil, fmt.Errorf("copying the simulated cloud: %w", err)
	}
	var s saved
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("copying the simulated cloud: %w", err)
	}
	copied := NewCloud(c.Site)
	copied.fill(s)
	return copied, nil
}

// saved returns the form on disk. The caller holds mu.
func (c *Cloud) saved() saved {
	s := saved{
		Format: storeFormat, Account: c.id,
		Left: c.left, Created: c.created, Snapshots: c.snapshots, Engines: c.engines, Finals: c.finals,
		Clock: c.clock,
	}
	for _, key := range slices.Sorted(maps.Keys(c.objects)) {
		s.Objects = append(s.Objects, c.objects[key])
	}
	return s
}

// save writes the cloud to its file. The caller holds mu.
func (c *Cloud) save() error {
	if c.path == "" {
		return nil
	}
	text, err := json.Marshal(c.saved())
	if err != nil {
		return fmt.Errorf("writing the simulated cloud: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(c.path), 0o755); err != nil {
		return fmt.Errorf("writing the simulated cloud: %w", err)
	}
	temporary := c.path + ".new"
	if err := os.WriteFile(temporary, text, 0o600); err != nil {
		return fmt.Errorf("writing the simulated cloud: %w", err)
	}
	if err := os.Rename(temporary, c.path); err != nil {
		return fmt.Errorf("writing the simulated cloud: %w", err)
	}
	return nil
}
