package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeComment is a comment of a pull request, as GitHub's API has it.
type fakeComment struct {
	ID   int64  `json:"id"`
	Body string `json:"body"`
}

// fakeGitHub serves the comments of pull request 7 of o/r to requests with the token "t".
type fakeGitHub struct {
	t        *testing.T
	comments []fakeComment
	// forbidden is true where the token lacks the permission.
	forbidden bool
}

func (f *fakeGitHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.forbidden || r.Header.Get("Authorization") != "Bearer t" {
		http.Error(w, "Resource not accessible by integration", http.StatusForbidden)
		return
	}
	var body fakeComment
	_ = json.NewDecoder(r.Body).Decode(&body)
	switch r.Method {
	case "GET":
		page := f.comments
		if r.URL.Query().Get("page") == "1" {
			page = page[:min(100, len(page))]
		} else {
			page = page[min(100, len(page)):]
		}
		_ = json.NewEncoder(w).Encode(page)
	case "POST":
		assert.Equal(f.t, "/repos/o/r/issues/7/comments", r.URL.Path)
		f.comments = append(f.comments, fakeComment{int64(len(f.comments) + 1), body.Body})
		w.WriteHeader(http.StatusCreated)
	case "PATCH":
		for i := range f.comments {
			if r.URL.Path == fmt.Sprintf("/repos/o/r/issues/comments/%d", f.comments[i].ID) {
				f.comments[i].Body = body.Body
			}
		}
	}
}

// TestOneComment checks that the pipeline updates its comment, on whichever page that is, and posts one where there is
// none.
func TestOneComment(t *testing.T) {
	fake := &fakeGitHub{t: t}
	for i := range 150 {
		fake.comments = append(fake.comments, fakeComment{int64(i + 1), "me too"})
	}
	server := httptest.NewServer(fake)
	defer server.Close()
	var out bytes.Buffer
	r := &Run{Dir: t.TempDir(), Out: &out, Env: []string{
		"GITHUB_API_URL=" + server.URL, "GITHUB_TOKEN=t", "GITHUB_REPOSITORY=o/r", "PULL_REQUEST=7",
		"GITHUB_STEP_SUMMARY=" + filepath.Join(t.TempDir(), "summary"),
	}}
	require.NoError(t, r.publish(context.Background(), marker+"first"))
	require.Len(t, fake.comments, 151)
	require.NoError(t, r.publish(context.Background(), marker+"second"))
	require.Len(t, fake.comments, 151, "the second comment replaces the first")
	assert.Equal(t, marker+"second", fake.comments[150].Body)
	summary, err := os.ReadFile(r.get("GITHUB_STEP_SUMMARY"))
	require.NoError(t, err)
	assert.Equal(t, marker+"first"+marker+"second", string(summary))
	fake.forbidden = true
	err = r.publish(context.Background(), marker+"third")
	assert.ErrorContains(t, err, "does the token have pull-requests: write?")
}
