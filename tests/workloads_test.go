package tests

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"groundwork/components/addons"
	"groundwork/components/cluster"
	"groundwork/components/edge"
	"groundwork/components/helm"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
	"groundwork/internal/mockrun"
	"groundwork/internal/rules"
	"groundwork/tests/golden"
	"groundwork/tests/harness"
)

// sdkFields reads a package of an SDK, without compiling it, and returns the tag and type of each field of each struct.
func sdkFields(t *testing.T, module, folder string) map[string]map[string]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), folder, "*.go"))
	require.NoError(t, err)
	structs := map[string]map[string]string{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			fields, ok := spec.Type.(*ast.StructType)
			if !ok {
				return false
			}
			structs[spec.Name.Name] = map[string]string{}
			for _, field := range fields.Fields.List {
				if field.Tag == nil {
					continue
				}
				tag, _ := strconv.Unquote(field.Tag.Value)
				kind := string(text[field.Type.Pos()-1 : field.Type.End()-1])
				structs[spec.Name.Name][reflect.StructTag(tag).Get("pulumi")] = kind
			}
			return false
		})
	}
	return structs
}

// compare checks that each field of ours has the name and the kind of the SDK's struct of that name.
func compare(t *testing.T, ours reflect.Type, sdk map[string]map[string]string, name string) (seen int) {
	t.Helper()
	fields := sdk[name]
	require.NotNil(t, fields, "the SDK has no %s", name)
	for i := range ours.NumField() {
		field := ours.Field(i)
		tag := field.Tag.Get("pulumi")
		kind, known := fields[tag]
		if !assert.True(t, known, "%s has no %q", name, tag) {
			continue
		}
		seen++
		inner, list := field.Type, false
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Slice {
			inner, list = inner.Elem(), true
		}
		kind = strings.TrimPrefix(kind, "*")
		assert.Equal(t, strings.HasPrefix(kind, "[]"), list, "%s.%s", name, tag)
		kind = strings.TrimPrefix(kind, "[]")
		if inner.Kind() == reflect.Struct {
			seen += compare(t, inner, sdk, kind)
			continue
		}
		want := strings.ReplaceAll(inner.String(), "interface {}", "interface{}")
		assert.Equal(t, want, kind, "%s.%s", name, tag)
	}
	return seen
}

// TestWrappersMatchTheSDK: the types that the program registers without the SDK's expensive packages have the SDK's
// names.
func TestWrappersMatchTheSDK(t *testing.T) {
	waf := sdkFields(t, "github.com/pulumi/pulumi-aws/sdk/v6", "go/aws/wafv2")
	assert.Greater(t, compare(t, edge.WebACLArgs{}.ElementType(), waf, "webAclArgs"), 20)
	assert.Greater(t, compare(t, edge.WebACLLoggingArgs{}.ElementType(), waf, "webAclLoggingConfigurationArgs"), 3)
	releases := sdkFields(t, "github.com/pulumi/pulumi-kubernetes/sdk/v4", "go/kubernetes/helm/v3")
	assert.Greater(t, compare(t, helm.InputType().ElementType(), releases, "releaseArgs"), 10)
}

// TestChartValuesAreDocumented: every value the program gives a chart is a key that the chart documents.
func TestChartValuesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("testdata/chart-keys.yaml")
	require.NoError(t, err)
	documented := map[string][]string{}
	require.NoError(t, yaml.Unmarshal(text, &documented))
	known := func(chart, path string) bool {
		return slices.ContainsFunc(documented[chart], func(key string) bool {
			prefix, open := strings.CutSuffix(key, "*")
			return path == key || open && strings.HasPrefix(path, prefix)
		})
	}
	used := map[string]bool{}
	for _, stack := range harness.Environments {
		releases := harness.Graph(t, stack).OfType(awstype.HelmRelease)
		require.NotEmpty(t, releases)
		for _, r := range releases {
			chart := r.Inputs.Str("chart") + " " + r.Inputs.Str("version")
			used[chart] = true
			for _, path := range helm.Paths(r.Inputs.Object("values")) {
				assert.True(t, known(chart, path), "%s does not document %s", chart, path)
			}
		}
	}
	for chart := range documented {
		assert.True(t, used[chart], "%s is documented and not used", chart)
	}
	assert.False(t, known("external-secrets 2.9.0", "replicas"), "the check must see a wrong key")
}

func TestCatalog(t *testing.T) {
	for _, kubernetes := range cluster.KnownVersions() {
		problems := addons.Spec{Replicas: 1}.Validate(kubernetes)
		assert.NoError(t, problems.Err(""), kubernetes)
		for _, name := range addons.Names() {
			assert.NotEmpty(t, addons.Spec{}.Chart(name, kubernetes).Version, "%s on %s", name, kubernetes)
		}
	}
	charts := map[string]addons.Chart{}
	for _, c := range addons.Charts() {
		charts[c.Name] = c
	}
	secrets := charts[addons.ExternalSecrets]
	assert.Len(t, secrets.Misfits(secrets.Versions[1], "1.36"), 2, "too new a cluster, too old an API")
	newest := secrets.Versions[0]
	assert.Empty(t, secrets.Misfits(newest, "1.36"))
	newest.MaxKubernetes = "1.35"
	assert.Len(t, secrets.Misfits(newest, "1.36"), 1)
	scaler := charts[addons.ClusterAutoscaler]
	assert.Contains(t, scaler.Misfits(scaler.Versions[0], "1.33"), "has no known image for Kubernetes 1.33")
}

// TestOneOwner: with the pipeline as owner there is no Argo CD; with Argo CD the same values reach the chart through
// it.
func TestOneOwner(t *testing.T) {
	changed := func(change string) *graph.Graph {
		raw, err := harness.Reference(t).Project.Config("prod", change)
		require.NoError(t, err)
		g, err := mockrun.Graph("prod", raw, mockrun.Options{Today: harness.Today})
		require.NoError(t, err)
		return g
	}
	pipeline, argo := changed("delivery.owner=pipeline"), changed("delivery.owner=argocd")
	charts := func(g *graph.Graph) (all []string) {
		for _, r := range g.OfType(awstype.HelmRelease) {
			all = append(all, r.Inputs.Str("chart"))
		}
		slices.Sort(all)
		return all
	}
	operators := []string{"aws-load-balancer-controller", "cluster-autoscaler", "external-secrets", "metrics-server"}
	assert.Equal(t, operators, charts(pipeline))
	assert.Equal(t, slices.Sorted(slices.Values(append(operators, "argo-cd", "argocd-apps", "argocd-apps"))), charts(argo))
	source := rules.Application(argo).Inputs.Object("values.applications.webapp.source")
	values := source.Object("helm.valuesObject")
	assert.Equal(t, argo.First(awstype.TargetGroup).Outputs.Str("arn"), values.Str("targetGroup.arn"))
	assert.Equal(t, argo.First(awstype.Repository).Outputs.Str("repositoryUrl"), values.Str("image.repository"))
	assert.Equal(t, []string{"values-prod.yaml"}, source.Strs("helm.valueFiles"))
	// The Application goes before, and comes after, everything that its resources need.
	dependsOn := strings.Join(rules.Application(argo).Dependencies, " ")
	for _, needed := range []string{"::addons-aws-load-balancer-controller", "::addons-external-secrets",
		"::webapp-project", "kubernetes:core/v1:Namespace::webapp"} {
		assert.Contains(t, dependsOn, needed)
	}
	chartAccepts(t, values)
}

// chartAccepts compares the values with the schema of the chart that they are for.
func chartAccepts(t *testing.T, values graph.Props) {
	t.Helper()
	root := harness.Root(t)
	c := harness.Config(t, "prod")
	path := filepath.Join(root, c.Delivery.Path)
	if _, err := os.Stat(path); os.IsNotExist(err) {
		t.Logf("%s is not in the repository yet; its values.schema.json has to accept %v", c.Delivery.Path,
			helm.Paths(values))
		return
	}
	text, err := os.ReadFile(filepath.Join(path, "values.schema.json"))
	require.NoError(t, err)
	var schema map[string]any
	require.NoError(t, yaml.Unmarshal(text, &schema))
	for _, key := range helm.Paths(values) {
		at := schema
		for _, step := range strings.Split(key, ".") {
			properties, ok := at["properties"].(map[string]any)
			if !assert.True(t, ok, "the chart's schema has nothing below %s", key) {
				break
			}
			at, ok = properties[step].(map[string]any)
			if !assert.True(t, ok, "the chart's schema does not know %s", key) {
				break
			}
		}
	}
	for _, stack := range harness.Environments {
		assert.FileExists(t, filepath.Join(path, "values-"+stack+".yaml"))
	}
}

// TestDeployerRoleRendered: the end-to-end tests deploy with exactly the role that the program makes.
func TestDeployerRoleRendered(t *testing.T) {
	g := harness.Graph(t, "dev", harness.Pipelines("dev")...)
	role := g.First(awstype.KubernetesRole).Inputs
	binding := g.First(awstype.KubernetesRoleBinding).Inputs
	var documents []string
	for kind, in := range map[string]graph.Props{"Role": role, "RoleBinding": binding} {
		object := in.Clone()
		object["apiVersion"], object["kind"] = "rbac.authorization.k8s.io/v1", kind
		object["metadata"] = map[string]any{"name": in.Str("metadata.name")}
		text, err := yaml.Marshal(map[string]any(object))
		require.NoError(t, err)
		documents = append(documents, string(text))
	}
	slices.Sort(documents)
	golden.Text(t, "../../webapp/e2e/cluster/deployer.yaml",
		"# Written by make golden from components/delivery/deployer.go.\n"+strings.Join(documents, "---\n"))
}
