package pipeline

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// marker identifies the comment among all comments of a pull request.
const marker = "<!-- groundwork-preview -->"

// maxComment is the length of the longest comment. GitHub's limit is 65,536 characters.
const maxComment = 60_000

// operations are the operations on a resource, the most dangerous first, each with a mark for the reader.
var operations = []struct{ op, mark string }{
	{"replace", "🔁"},
	{"delete", "🗑️"},
	{"update", "✏️"},
	{"create", "🆕"},
}

// layers are in the order in which an update passes them. Resources that belong to no layer come last.
var layers = []string{"account", "platform", "services", "workloads", "observability", ""}

// Comment renders what a change does to the environments, for a reviewer. It starts with a table and with what would
// lose data. Then it lists all changes of each environment by layer, and draws them.
func Comment(base, head string, environments []EnvironmentPreview) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n## Infrastructure: `%s` against `%s`\n\n", marker, head, base)
	out.WriteString("| environment | create | update | replace | delete | cost a month |\n|---|---|---|---|---|---|\n")
	for _, e := range environments {
		if e.Err != "" {
			fmt.Fprintf(&out, "| %s | refused | | | | |\n", e.Name)
			continue
		}
		fmt.Fprintf(&out, "| %s | %d | %d | %d | %d | %s |\n", e.Name,
			e.count("create"), e.count("update"), e.count("replace"), e.count("delete"),
			cmp.Or(e.Cost, "not known"))
	}
	for _, e := range environments {
		if lost := e.lost(); len(lost) > 0 {
			fmt.Fprintf(&out, "\n> [!CAUTION]\n> **%s: %d resource(s) that hold data would be lost or replaced.**\n",
				e.Name, len(lost))
			for _, c := range lost {
				fmt.Fprintf(&out, "> - **%s %s** (%s)%s\n", c.Op, code(c.Name), simple(c.Type), properties(c))
			}
		}
	}
	for _, e := range environments {
		e.consequences(&out)
	}
	for _, e := range environments {
		fmt.Fprintf(&out, "\n### %s\n", e.Name)
		switch {
		case e.Err != "":
			fmt.Fprintf(&out, "\nThe program refuses these settings:\n\n```\n%s\n```\n",
				strings.ReplaceAll(strings.TrimSpace(e.Err), "```", "'''"))
		case len(e.shown()) == 0:
			out.WriteString("\nNothing changes.\n")
		default:
			e.list(&out)
			e.picture(&out)
		}
	}
	out.WriteString("\n<sub>Made without credentials: the base's program brought up in the sandbox, " +
		"this one previewed on its state.</sub>\n")
	return cut(out.String())
}

// cut shortens a comment to maxComment at the end of a line, and says so. Otherwise a part would look like the whole.
func cut(text string) string {
	if len(text) <= maxComment {
		return text
	}
	text = text[:maxComment]
	return text[:strings.LastIndex(text, "\n")+1] + "\n</details>\n\n" +
		"**Cut here: the whole is longer than a comment may be. It is in the run's `reports/preview.md`.**\n"
}

// shown returns the changes without those of Pulumi's own resources.
func (e EnvironmentPreview) shown() []Change {
	return slices.DeleteFunc(slices.Clone(e.Changes), func(c Change) bool {
		return strings.HasPrefix(c.Type, "pulumi:")
	})
}

// count returns how many resources an operation changes.
func (e EnvironmentPreview) count(op string) int {
	return len(slices.DeleteFunc(e.shown(), func(c Change) bool { return c.Op != op }))
}

// lost returns the changes that lose data.
func (e EnvironmentPreview) lost() []Change {
	return slices.DeleteFunc(e.shown(), func(c Change) bool {
		return !c.Stateful || c.Op != "replace" && c.Op != "delete"
	})
}

// consequences writes what changes mean that lose nothing, such as a roll of all nodes.
func (e EnvironmentPreview) consequences(out *strings.Builder) {
	heading := fmt.Sprintf("\n> [!IMPORTANT]\n> **%s: what changes mean besides**\n", e.Name)
	for _, c := range e.shown() {
		if slices.ContainsFunc(e.lost(), func(l Change) bool { return l.URN == c.URN && l.Name == c.Name }) {
			continue
		}
		for _, what := range c.Consequences {
			fmt.Fprintf(out, "%s> - %s (%s) %s\n", heading, code(c.Name), simple(c.Type), what)
			heading = ""
		}
	}
}

// list writes the changes by layer.
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
					fmt.Fprintf(out, "- %s %s %s (%s)%s\n", o.mark, o.op, code(c.Name), simple(c.Type), properties(c))
				}
			}
		}
		out.WriteString("\n</details>\n")
	}
}

// maxPicture is the largest number of resources in a picture. A larger picture cannot be read.
const maxPicture = 40

// picture draws the changed resources in their layers.
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
			name := unsafeInPicture.ReplaceAllString(c.Name, "_")
			fmt.Fprintf(out, "    n%d[\"%s<br/>%s\"]:::%s\n", node, name, simple(c.Type), c.Op)
		}
		out.WriteString("  end\n")
	}
	out.WriteString("  classDef create stroke:#1a7f37,stroke-width:2px\n" +
		"  classDef update stroke:#9a6700,stroke-width:2px\n" +
		"  classDef replace stroke:#cf222e,stroke-width:4px\n" +
		"  classDef delete stroke:#cf222e,stroke-width:2px,stroke-dasharray:4\n" +
		"```\n")
}

// unsafeInPicture matches characters that Mermaid does not take in a label.
var unsafeInPicture = regexp.MustCompile(`[^A-Za-z0-9 ._:/@-]`)

// code renders a name as code in Markdown.
func code(name string) string { return "`" + strings.ReplaceAll(name, "`", "'") + "`" }

// properties renders the properties that an update or a replacement changes.
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
