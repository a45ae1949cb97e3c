package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Sweep tries every item of a long list and prints a line for each hundredth. It goes on where an earlier call at this
// commit stopped: reports/NAME-COMMIT.txt has the items that passed. SHARD=2/4 tries the second of four parts.
func Sweep(t *testing.T, name string, items []string, try func(t *testing.T, item string)) {
	t.Helper()
	shard, shards := 1, 1
	if text := os.Getenv("SHARD"); text != "" {
		_, err := fmt.Sscanf(text, "%d/%d", &shard, &shards)
		require.NoError(t, err, "SHARD is not like 2/4")
	}
	commit, err := exec.CommandContext(t.Context(), "git", "-C", Root(t), "rev-parse", "--short", "HEAD").Output()
	require.NoError(t, err)
	path := filepath.Join(Root(t), "reports", name+"-"+strings.TrimSpace(string(commit))+".txt")
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	require.NoError(t, err)
	defer file.Close()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	passed := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		passed[strings.TrimSpace(line)] = true
	}
	var own []string
	for i, item := range items {
		if i%shards == shard-1 && !passed[item] {
			own = append(own, item)
		}
	}
	begun, failed := time.Now(), 0
	for i, item := range own {
		if t.Run(item, func(t *testing.T) { try(t, item) }) {
			fmt.Fprintln(file, item)
		} else {
			failed++
		}
		if tried := i + 1; tried%100 == 0 || tried == len(own) {
			fmt.Printf("  %d/%d: %4d of %d, %d failed, %.0f s\n",
				shard, shards, tried, len(own), failed, time.Since(begun).Seconds())
		}
	}
}
