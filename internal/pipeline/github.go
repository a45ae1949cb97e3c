package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// commentsPerPage is the largest page of comments that GitHub returns.
const commentsPerPage = 100

// gitHub calls the part of GitHub's API that a comment needs.
type gitHub struct {
	api, repository, token string
}

// comment puts text on a pull request. It replaces an earlier comment of the pipeline, where there is one.
func (g *gitHub) comment(ctx context.Context, pullRequest, text string) error {
	body := map[string]string{"body": text}
	for page := 1; ; page++ {
		var comments []struct {
			ID   int64
			Body string
		}
		path := fmt.Sprintf("/issues/%s/comments?per_page=%d&page=%d", pullRequest, commentsPerPage, page)
		if err := g.call(ctx, "GET", path, nil, &comments); err != nil {
			return fmt.Errorf("reading the comments of pull request %s: %w", pullRequest, err)
		}
		for _, c := range comments {
			if strings.HasPrefix(c.Body, marker) {
				return g.call(ctx, "PATCH", fmt.Sprintf("/issues/comments/%d", c.ID), body, nil)
			}
		}
		if len(comments) < commentsPerPage {
			break
		}
	}
	return g.call(ctx, "POST", "/issues/"+pullRequest+"/comments", body, nil)
}

// call sends a request about the repository, and decodes the response into answer where that is not nil.
func (g *gitHub) call(ctx context.Context, method, path string, body, answer any) error {
	var payload io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		payload = bytes.NewReader(text)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, g.api+"/repos/"+g.repository+path, payload)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+g.token)
	request.Header.Set("Accept", "application/vnd.github+json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("asking GitHub: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		said, _ := io.ReadAll(io.LimitReader(response.Body, 500))
		return fmt.Errorf("%s %s: GitHub says %s: %s (does the token have pull-requests: write?)",
			method, path, response.Status, said)
	}
	if answer == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(answer)
}
