package doctor

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"groundwork/stacks"
)

// tool is a command that people and pipelines use on an environment.
type tool struct {
	name string
	// version is the command that prints the version.
	version []string
	// major and minor are the oldest version that works.
	major, minor int
	// newest is the newest minor that works with the environment's Kubernetes. It is 0 for a tool that is independent
	// of it.
	newest int
	// why says what the tool does.
	why string
	// required is true where nothing works without the tool.
	required bool
}

// tools returns the tools for a cluster of a minor version of Kubernetes.
func tools(kubernetes int) []tool {
	return []tool{
		{"go", []string{"go", "version"}, 1, 26, 0, "it compiles the program", true},
		{"node", []string{"node", "--version"}, 24, 0, 0, "pulumi-eks runs on it; 20 ended in April 2026", true},
		{"git", []string{"git", "--version"}, 2, 17, 0, "pipelines and previews use worktrees", true},
		{"pulumi", []string{"pulumi", "version"}, 3, 200, 0, "it brings environments up", true},
		{"aws", []string{"aws", "--version"}, 2, 0, 0, "it signs kubectl and Pulumi in to the cluster", true},
		// Kubernetes supports a kubectl that is one minor older or newer than the cluster.
		{
			"kubectl", []string{"kubectl", "version", "--client"}, 1, kubernetes - 1, kubernetes + 1,
			"it manages what runs in the cluster", true,
		},
		{
			"helm", []string{"helm", "version", "--short"}, 3, 14, 0,
			"the pipeline deploys with it (make helm builds one)", false,
		},
	}
}

// versionNumber matches the first two parts of a version.
var versionNumber = regexp.MustCompile(`v?(\d+)\.(\d+)`)

// Tools checks the tools that people and pipelines use on an environment.
func Tools(ctx context.Context, c *stacks.Config, run Run) Report {
	var r Report
	_, kubernetesMinor, _ := strings.Cut(c.Cluster.KubernetesVersion, ".")
	kubernetes, _ := strconv.Atoi(kubernetesMinor)
	for _, t := range tools(kubernetes) {
		text, err := run(ctx, t.version...)
		found := versionNumber.FindStringSubmatch(text)
		if err != nil || found == nil {
			severity := Warning
			if t.required {
				severity = Broken
			}
			r.add(severity, "tools", "install it", "%s was not found: %s", t.name, t.why)
			continue
		}
		major, _ := strconv.Atoi(found[1])
		minor, _ := strconv.Atoi(found[2])
		old := major < t.major || major == t.major && minor < t.minor
		switch {
		case t.newest > 0 && (old || minor > t.newest):
			r.add(Warning, "tools", fmt.Sprintf("install %d.%d to %d.%d", t.major, t.minor, t.major, t.newest),
				"%s %d.%d does not support this cluster (Kubernetes %s)",
				t.name, major, minor, c.Cluster.KubernetesVersion)
		case old:
			r.add(Warning, "tools", fmt.Sprintf("install %d.%d or newer", t.major, t.minor),
				"%s %d.%d is too old: %s", t.name, major, minor, t.why)
		default:
			r.add(Good, "tools", "", "%s %d.%d", t.name, major, minor)
		}
	}
	return r
}
