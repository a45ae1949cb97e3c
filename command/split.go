package command

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/spf13/cobra"

	"groundwork/internal/graph"
	"groundwork/stacks"
)

// splitOptions are the options of the command that splits an environment into layers.
type splitOptions struct {
	stack string
	// free prints the prepared state instead of the commands.
	free bool
}

// newSplit makes the command that splits the state of a whole environment into the states of its layers.
func newSplit(stdin io.Reader, stdout io.Writer) *cobra.Command {
	o := &splitOptions{}
	cmd := newAction("split", "Print the commands that make one stack for each layer of an environment",
		func(*cobra.Command, []string) error { return o.run(stdin, stdout) })
	cmd.Long = "Reads an exported state from standard input and changes nothing itself; docs/layers.md is the guide.\n" +
		"With --free-providers it prints the state, prepared for pulumi state move, instead."
	cmd.Example = "  pulumi stack export -s prod | groundwork split -s prod"
	cmd.Flags().StringVarP(&o.stack, "stack", "s", "", "the environment")
	cmd.Flags().BoolVar(&o.free, "free-providers", false, "print the state without the dependencies of providers")
	return cmd
}

// run reads a state, and prints either commands or the prepared state.
func (o *splitOptions) run(stdin io.Reader, stdout io.Writer) error {
	if o.stack == "" || strings.Contains(o.stack, "-") {
		return fmt.Errorf("--stack %q is not an environment such as prod", o.stack)
	}
	var state apitype.UntypedDeployment
	if err := json.NewDecoder(stdin).Decode(&state); err != nil {
		return fmt.Errorf("reading the state from standard input: %w (give it the output of pulumi stack export)", err)
	}
	if o.free {
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
			return fmt.Errorf("reading the state: there is nothing of layer %s in it; is it the state of %s as a whole?",
				move.Layer, o.stack)
		}
	}
	printSplit(stdout, g, o.stack)
	return nil
}

// move names the resources that go from the stack of a whole environment to the stack of one layer.
type move struct {
	Layer string
	// URNs are those of the outermost components. pulumi state move takes their children along.
	URNs []string
}

// moves returns the moves that make layered stacks of a composed one. The top layer comes first, so that no remaining
// resource depends on a moved one. The platform stays in the stack, which is renamed, because pulumi-eks has a provider
// below its component that pulumi state move does not take along.
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

// freeProviders removes the dependencies of outermost providers from an exported state. pulumi state move copies a
// provider with its dependencies, does not find them in the other stack, and refuses its own result. The next up adds
// them again.
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
		outermost := parent == "" || strings.Contains(parent, "::"+string(resource.RootStackType)+"::")
		if strings.HasPrefix(token, "pulumi:providers:") && outermost {
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
	fmt.Fprintf(w, "cp Pulumi.%[1]s.yaml Pulumi.%[1]s.yaml.kept\n"+
		"pulumi stack rename -s %[1]s %[1]s-%[2]s\n"+
		"mv Pulumi.%[1]s.yaml.kept Pulumi.%[1]s.yaml\n", environment, stacks.LayerPlatform)
	for _, layer := range stacks.Layers() {
		fmt.Fprintf(w, "pulumi up -s %[1]s-%[2]s --config-file Pulumi.%[1]s.yaml\n", environment, layer)
	}
}
