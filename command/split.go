package command

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"groundwork/internal/graph"
	"groundwork/stacks"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/spf13/cobra"
)

// newSplit makes the command that turns the state of a whole environment into those of its layers.
func newSplit(stdin io.Reader, stdout io.Writer) *cobra.Command {
	var stack string
	var free bool
	cmd := &cobra.Command{
		Use:   "split",
		Short: "Print the commands that make one stack for each layer of an environment",
		Long: "Reads an exported state from standard input and changes nothing itself; docs/layers.md is the guide.\n" +
			"With --free-providers it prints the state, prepared for pulumi state move, instead.",
		Example: "  pulumi stack export -s prod | groundwork split -s prod",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if stack == "" || strings.Contains(stack, "-") {
				return fmt.Errorf("--stack %q is not an environment such as prod", stack)
			}
			var state apitype.UntypedDeployment
			if err := json.NewDecoder(stdin).Decode(&state); err != nil {
				return fmt.Errorf("reading the state from standard input: %w (give it the output of pulumi stack export)", err)
			}
			if free {
				freed, err := freeProviders(state)
				if err != nil {
					return err
				}
				return printJSON(stdout, freed)
			}
			g, err := graph.Read(state)
			if err != nil {
				return err
			}
			for _, move := range moves(g) {
				if len(move.URNs) == 0 {
					return fmt.Errorf("reading the state: there is nothing of layer %s in it; is it the state of %s as a whole?", move.Layer, stack)
				}
			}
			printSplit(stdout, g, stack)
			return nil
		},
	}
	cmd.Flags().StringVarP(&stack, "stack", "s", "", "the environment")
	cmd.Flags().BoolVar(&free, "free-providers", false, "print the state without the dependencies of providers")
	return cmd
}

// move is what goes from the stack of a whole environment to the stack of one layer.
type move struct {
	Layer string
	// URNs of the outermost components; pulumi state move takes what is below them along.
	URNs []string
}

// moves lists what to move where to make layered stacks of a composed one, top layer first: then nothing that remains
// depends on what has gone. The platform stays, and the stack takes its name: pulumi-eks keeps a provider below its
// component, which pulumi state move cannot take along.
func moves(g *graph.Graph) []move {
	var all []move
	for i := len(stacks.Layers()) - 1; i > 0; i-- {
		m := move{Layer: stacks.Layers()[i]}
		for _, r := range g.Resources {
			parent := g.Get(r.Parent)
			if stacks.LayerOf(r.Type) == m.Layer && parent != nil && parent.Type == string(resource.RootStackType) {
				m.URNs = append(m.URNs, r.URN)
			}
		}
		all = append(all, m)
	}
	return all
}

// freeProviders takes the dependencies of outermost providers out of an exported state. pulumi state move copies a
// provider with them, finds that they are not in the other stack, and refuses its own result; the next up puts them back.
func freeProviders(state apitype.UntypedDeployment) (apitype.UntypedDeployment, error) {
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

// printSplit writes the commands that make layered stacks of the composed stack of an environment.
func printSplit(w io.Writer, g *graph.Graph, environment string) {
	fmt.Fprintf(w, `# Makes layered stacks of %[1]s; docs/layers.md explains each step. Read it, then run it with bash.
set -euo pipefail
: "${GROUNDWORK:=bin/groundwork}"
# What Pulumi.%[1]s.yaml has as secretsprovider, or passphrase.
: "${SECRETS_PROVIDER:?}"
pulumi stack export -s %[1]s --file "$PWD/%[1]s-before-split.json"
"$GROUNDWORK" split -s %[1]s --free-providers < %[1]s-before-split.json > %[1]s-free-before-split.json
pulumi stack import -s %[1]s --file "$PWD/%[1]s-free-before-split.json"
`, environment)
	for _, m := range moves(g) {
		stack := environment + "-" + m.Layer
		fmt.Fprintf(w, "pulumi stack init %s --secrets-provider \"$SECRETS_PROVIDER\"\n", stack)
		fmt.Fprintf(w, "pulumi state move --yes --source %s --dest %s", environment, stack)
		for _, urn := range m.URNs {
			fmt.Fprintf(w, " \\\n  '%s'", urn)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "cp Pulumi.%[1]s.yaml Pulumi.%[1]s.yaml.kept\npulumi stack rename -s %[1]s %[1]s-%[2]s\nmv Pulumi.%[1]s.yaml.kept Pulumi.%[1]s.yaml\n", environment, stacks.LayerPlatform)
	for _, layer := range stacks.Layers() {
		fmt.Fprintf(w, "pulumi up -s %[1]s-%[2]s --config-file Pulumi.%[1]s.yaml\n", environment, layer)
	}
}
