package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"groundwork/stacks"
)

// Move is what goes from the stack of a whole environment to the stack of one layer.
type Move struct {
	Layer string
	// URNs of the outermost components; pulumi state move takes what is below them along.
	URNs []string
}

// Moves lists what to move where to make layered stacks of a composed one, top layer first: then nothing that remains
// depends on what has gone. The platform stays, and the stack takes its name: pulumi-eks keeps a provider below its
// component, which pulumi state move cannot take along.
func Moves(g *Graph) []Move {
	var moves []Move
	for i := len(stacks.Layers) - 1; i > 0; i-- {
		move := Move{Layer: stacks.Layers[i]}
		for _, r := range g.Resources {
			parent := g.Get(r.Parent)
			if stacks.LayerOf(r.Type) == move.Layer && parent != nil && parent.Type == string(resource.RootStackType) {
				move.URNs = append(move.URNs, r.URN)
			}
		}
		moves = append(moves, move)
	}
	return moves
}

// FreeProviders takes the dependencies of outermost providers out of an exported state. pulumi state move copies a
// provider with them, finds that they are not in the other stack, and refuses its own result; the next up puts them back.
func FreeProviders(state apitype.UntypedDeployment) (apitype.UntypedDeployment, error) {
	var deployment map[string]any
	if err := json.Unmarshal(state.Deployment, &deployment); err != nil {
		return state, fmt.Errorf("reading the state: %w", err)
	}
	resources, _ := deployment["resources"].([]any)
	for _, r := range resources {
		entry, _ := r.(map[string]any)
		token, _ := entry["type"].(string)
		parent, _ := entry["parent"].(string)
		if strings.HasPrefix(token, "pulumi:providers:") && (parent == "" || strings.Contains(parent, "::"+string(resource.RootStackType)+"::")) {
			delete(entry, "dependencies")
			delete(entry, "propertyDependencies")
		}
	}
	var err error
	state.Deployment, err = json.Marshal(deployment)
	return state, err
}

// PrintSplit writes the commands that make layered stacks of the composed stack of an environment.
func PrintSplit(w io.Writer, g *Graph, environment string) {
	fmt.Fprintf(w, `# Makes layered stacks of %[1]s; docs/layers.md explains each step. Read it, then run it with bash.
set -euo pipefail
: "${GROUNDWORK:=bin/groundwork}"
# What Pulumi.%[1]s.yaml has as secretsprovider, or passphrase.
: "${SECRETS_PROVIDER:?}"
pulumi stack export -s %[1]s --file "$PWD/%[1]s-before-split.json"
"$GROUNDWORK" split -s %[1]s --free-providers < %[1]s-before-split.json > %[1]s-free-before-split.json
pulumi stack import -s %[1]s --file "$PWD/%[1]s-free-before-split.json"
`, environment)
	for _, move := range Moves(g) {
		stack := environment + "-" + move.Layer
		fmt.Fprintf(w, "pulumi stack init %s --secrets-provider \"$SECRETS_PROVIDER\"\n", stack)
		fmt.Fprintf(w, "pulumi state move --yes --source %s --dest %s", environment, stack)
		for _, urn := range move.URNs {
			fmt.Fprintf(w, " \\\n  '%s'", urn)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "cp Pulumi.%[1]s.yaml Pulumi.%[1]s.yaml.kept\npulumi stack rename -s %[1]s %[1]s-%[2]s\nmv Pulumi.%[1]s.yaml.kept Pulumi.%[1]s.yaml\n", environment, stacks.LayerPlatform)
	for _, layer := range stacks.Layers {
		fmt.Fprintf(w, "pulumi up -s %[1]s-%[2]s --config-file Pulumi.%[1]s.yaml\n", environment, layer)
	}
}
