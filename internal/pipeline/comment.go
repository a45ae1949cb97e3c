package pipeline

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// marker is how the comment is found again on a pull request.
const marker = "<!-- groundwork-preview -->"

// maxComment is below what GitHub takes, 65,536 characters.
const maxComment = 60_000

// operations are what can become of a resource, the worst first, with how a reader wants to be told.
var operations = []struct{ op, word, mark string }{
	{"replace", "replace", "🔁"}, {"delete", "delete", "🗑️"}, {"update", "update", "✏️"}, {"create", "create", "🆕"},
}

// layers in the order in which an update passes them; what belongs to none comes last.
var layers = []string{"account", "platform", "services", "workloads", "observability", ""}

// Comment renders what a change does to the environments, as a reviewer reads it: first what could lose data, then everything by layer, then a picture
// of what is touched.
func Comment(base, head string, environments []EnvironmentPreview) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n## Infrastructure: `%s` against `%s`\n\n", marker, head, base)
	out.WriteString("| environment | create | update | replace | delete | cost a month |\n|---|---|---|---|---|---|\n")
	for _, e := range environments {
		if e.Err != "" {
			fmt.Fprintf(&out, "| %s | refused | | | | |\n", e.Name)
			continue
		}
		cost := cmp.Or(e.Cost, "not known")
		fmt.Fprintf(&out, "| %s | %d | %d | %d | %d | %s |\n", e.Name, e.count("create"), e.count("update"), e.count("replace"), e.count("delete"), cost)
	}
	for _, e := range environments {
		if lost := e.dangers(); len(lost) > 0 {
			fmt.Fprintf(&out, "\n> [!CAUTION]\n> **%s: %d resource(s) that hold data would be lost or replaced.**\n", e.Name, len(lost))
			for _, c := range lost {
				fmt.Fprintf(&out, "> - **%s %s** (%s)%s\n", c.Op, code(c.Name), simple(c.Type), properties(c))
			}
		}
	}
	for _, e := range environments {
		fmt.Fprintf(&out, "\n### %s\n", e.Name)
		switch {
		case e.Err != "":
			fmt.Fprintf(&out, "\nThe program refuses these settings:\n\n```\n%s\n```\n", strings.ReplaceAll(strings.TrimSpace(e.Err), "```", "'''"))
		case len(e.shown()) == 0:
			out.WriteString("\nNothing changes.\n")
		default:
			e.list(&out)
			e.picture(&out)
		}
	}
	out.WriteString("\n<sub>Made without credentials: the base's program brought up in the sandbox, this one previewed on its state.</sub>\n")
	if text := out.String(); len(text) <= maxComment {
		return text
	}
	// Cut at a line, and say so: half a list that looks whole would be a lie.
	text := out.String()[:maxComment]
	return text[:strings.LastIndex(text, "\n")+1] + "\n</details>\n\n**Cut here: the whole is longer than a comment may be. It is in the run's `reports/preview.md`.**\n"
}

// shown are the changes without what is Pulumi's own.
func (e EnvironmentPreview) shown() []Change {
	return slices.DeleteFunc(slices.Clone(e.Changes), func(c Change) bool { return strings.HasPrefix(c.Type, "pulumi:") })
}

func (e EnvironmentPreview) count(op string) int {
	return len(slices.DeleteFunc(e.shown(), func(c Change) bool { return c.Op != op }))
}

// dangers are the resources with data that would not survive.
func (e EnvironmentPreview) dangers() []Change {
	return slices.DeleteFunc(e.shown(), func(c Change) bool { return !c.Stateful || c.Op != "replace" && c.Op != "delete" })
}

func (e EnvironmentPreview) list(out *strings.Builder) {
	for _, layer := range layers {
		in := slices.DeleteFunc(e.shown(), func(c Change) bool { return c.Layer != layer })
		if len(in) == 0 {
			continue
		}
		fmt.Fprintf(out, "\n<details open><summary><b>%s</b>: %d</summary>\n\n", cmp.Or(layer, "other"), len(in))
		for _, o := range operations {
			for _, c := range in {
				if c.Op == o.op {
					fmt.Fprintf(out, "- %s %s %s (%s)%s\n", o.mark, o.word, code(c.Name), simple(c.Type), properties(c))
				}
			}
		}
		out.WriteString("\n</details>\n")
	}
}

// maxPicture is how many resources a picture shows; more of them nobody reads.
const maxPicture = 40

// picture draws the touched resources in their layers and components.
func (e EnvironmentPreview) picture(out *strings.Builder) {
	changes := e.shown()
	if len(changes) > maxPicture {
		fmt.Fprintf(out, "\nNo picture: %d resources are more than one can look at.\n", len(changes))
		return
	}
	out.WriteString("\n```mermaid\nflowchart LR\n")
	node := 0
	for _, layer := range layers {
		in := slices.DeleteFunc(slices.Clone(changes), func(c Change) bool { return c.Layer != layer })
		if len(in) == 0 {
			continue
		}
		fmt.Fprintf(out, "  subgraph %s\n", cmp.Or(layer, "other"))
		for _, c := range in {
			node++
			fmt.Fprintf(out, "    n%d[\"%s<br/>%s\"]:::%s\n", node, plain.ReplaceAllString(c.Name, "_"), simple(c.Type), c.Op)
		}
		out.WriteString("  end\n")
	}
	out.WriteString("  classDef create stroke:#1a7f37,stroke-width:2px\n  classDef update stroke:#9a6700,stroke-width:2px\n  classDef replace stroke:#cf222e,stroke-width:4px\n  classDef delete stroke:#cf222e,stroke-width:2px,stroke-dasharray:4\n```\n")
}

// plain is what a picture cannot hold.
var plain = regexp.MustCompile(`[^A-Za-z0-9 ._:/@-]`)

func code(name string) string { return "`" + strings.ReplaceAll(name, "`", "'") + "`" }

func properties(c Change) string {
	if len(c.Properties) == 0 || c.Op == "create" || c.Op == "delete" {
		return ""
	}
	return ": " + strings.Join(c.Properties, ", ")
}

// simple shortens "aws:ec2/vpc:Vpc" to "ec2 Vpc".
func simple(token string) string {
	parts := strings.Split(token, ":")
	if len(parts) != 3 {
		return token
	}
	module, _, _ := strings.Cut(parts[1], "/")
	return module + " " + parts[2]
}

// gitHub is as much of GitHub's API as a comment needs.
type gitHub struct {
	api, repository, token string
}

// comment puts text on a pull request: in the place of the one that was put there before, or as a new one.
func (g *gitHub) comment(ctx context.Context, pullRequest, text string) error {
	for page := 1; ; page++ {
		var comments []struct {
			ID   int64
			Body string
		}
		if err := g.call(ctx, "GET", fmt.Sprintf("/issues/%s/comments?per_page=100&page=%d", pullRequest, page), nil, &comments); err != nil {
			return fmt.Errorf("reading the comments of pull request %s: %w", pullRequest, err)
		}
		for _, c := range comments {
			if strings.HasPrefix(c.Body, marker) {
				return g.call(ctx, "PATCH", fmt.Sprintf("/issues/comments/%d", c.ID), map[string]string{"body": text}, nil)
			}
		}
		if len(comments) < 100 {
			break
		}
	}
	return g.call(ctx, "POST", "/issues/"+pullRequest+"/comments", map[string]string{"body": text}, nil)
}

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
		return fmt.Errorf("%s %s: GitHub says %s: %s (does the token have pull-requests: write?)", method, path, response.Status, said)
	}
	if answer == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(answer)
}
