// Package charttest renders the application's chart as Helm does and checks the result against the Kubernetes API. It
// is a module of its own, so that updates of Helm's packages do not change the application's image.
package charttest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const chartPath = "../chart"

var environments = []string{"dev", "prod"}

// infrastructure are the values that only the infrastructure knows, in the form of the stack output.
var infrastructure = must(os.ReadFile(filepath.Join(chartPath, "ci/infrastructure-values.yaml")))

// must returns text, or panics if there is an error.
func must(text []byte, err error) string {
	if err != nil {
		panic(err)
	}
	return string(text)
}

// values merges the values of an environment, those of the infrastructure, and a change, which takes precedence.
func values(t testing.TB, environment, change string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chartPath, "values-"+environment+".yaml"))
	require.NoError(t, err)
	all := map[string]any{}
	for _, layer := range []string{change, infrastructure, released(string(text)), string(text)} {
		var parsed map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(layer), &parsed))
		all = chartutil.CoalesceTables(all, parsed)
	}
	return all
}

// placeholder is the digest that a file of values is shipped with.
var placeholder = "sha256:" + strings.Repeat("0", 64)

// released is what the pipeline writes in place of the placeholder.
func released(text string) string {
	if !strings.Contains(text, placeholder) {
		return "{}"
	}
	return "image: {digest: 'sha256:" + strings.Repeat("a", 64) + "'}"
}

// render renders the chart for Kubernetes 1.36 and returns its documents.
func render(environment string, v map[string]any) ([]string, error) {
	chart, err := loader.Load(chartPath)
	if err != nil {
		return nil, err
	}
	capabilities := chartutil.DefaultCapabilities.Copy()
	capabilities.KubeVersion = chartutil.KubeVersion{Version: "v1.36.0", Major: "1", Minor: "36"}
	release := chartutil.ReleaseOptions{Name: "webapp", Namespace: "webapp", IsInstall: true}
	all, err := chartutil.ToRenderValues(chart, v, release, capabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(chart, all)
	if err != nil {
		return nil, err
	}
	var documents []string
	for _, file := range files {
		for _, document := range regexp.MustCompile(`(?m)^---$`).Split(file, -1) {
			if strings.TrimSpace(document) != "" && strings.Contains(document, "kind:") {
				documents = append(documents, document)
			}
		}
	}
	slices.Sort(documents)
	return documents, nil
}

// kinds maps the kinds of the chart's resources to their API types. Custom resources have no type here.
var kinds = map[string]func() any{
	"apps/v1 Deployment":                       func() any { return &appsv1.Deployment{} },
	"autoscaling/v2 HorizontalPodAutoscaler":   func() any { return &autoscalingv2.HorizontalPodAutoscaler{} },
	"batch/v1 Job":                             func() any { return &batchv1.Job{} },
	"networking.k8s.io/v1 NetworkPolicy":       func() any { return &networkingv1.NetworkPolicy{} },
	"policy/v1 PodDisruptionBudget":            func() any { return &policyv1.PodDisruptionBudget{} },
	"v1 Pod":                                   func() any { return &corev1.Pod{} },
	"v1 Service":                               func() any { return &corev1.Service{} },
	"v1 ServiceAccount":                        func() any { return &corev1.ServiceAccount{} },
	"elbv2.k8s.aws/v1beta1 TargetGroupBinding": nil,
	"external-secrets.io/v1 ExternalSecret":    nil,
	"external-secrets.io/v1 SecretStore":       nil,
}

// rendered renders the chart for an environment and decodes each document strictly into its API type.
func rendered(t testing.TB, environment, change string) map[string][]any {
	t.Helper()
	documents, err := render(environment, values(t, environment, change))
	require.NoError(t, err)
	objects := map[string][]any{}
	for _, document := range documents {
		var head struct{ APIVersion, Kind string }
		require.NoError(t, yaml.Unmarshal([]byte(document), &head))
		make, known := kinds[head.APIVersion+" "+head.Kind]
		require.True(t, known, "%s %s", head.APIVersion, head.Kind)
		var object any = &unstructured.Unstructured{}
		if make != nil {
			object = make()
			require.NoError(t, yaml.UnmarshalStrict([]byte(document), object), document)
		} else {
			require.NoError(t, yaml.Unmarshal([]byte(document), object), document)
		}
		objects[head.Kind] = append(objects[head.Kind], object)
	}
	return objects
}

// TestLint lints the chart as helm lint --strict does.
func TestLint(t *testing.T) {
	for _, environment := range environments {
		result := lint.All(chartPath, values(t, environment, ""), "webapp", true)
		for _, message := range result.Messages {
			assert.Less(t, message.Severity, support.WarningSev, "%s: %v", message.Path, message.Err)
		}
		assert.NotEmpty(t, result.ChartDir)
	}
}

// TestKinds checks that the chart renders a resource of every kind in every environment.
func TestKinds(t *testing.T) {
	for _, environment := range environments {
		objects := rendered(t, environment, "")
		for kind := range kinds {
			_, name, _ := strings.Cut(kind, " ")
			assert.NotEmpty(t, objects[name], "%s: %s", environment, kind)
		}
	}
}

// TestPlaceholder: without an image, the release has everything but what needs one. Argo CD keeps a Deployment that a
// placeholder takes out of Git.
func TestPlaceholder(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(chartPath, "values-prod.yaml"))
	require.NoError(t, err)
	require.Contains(t, string(text), placeholder, "what is shipped names no image of somebody else")
	objects := rendered(t, "prod", "image: {digest: '"+placeholder+"'}")
	for kind := range kinds {
		_, name, _ := strings.Cut(kind, " ")
		needsImage := slices.Contains([]string{
			"Deployment", "HorizontalPodAutoscaler", "Job", "Pod", "PodDisruptionBudget",
		}, name)
		assert.Equal(t, needsImage, len(objects[name]) == 0, name)
	}
	deployment := rendered(t, "prod", "")["Deployment"][0].(*appsv1.Deployment)
	assert.Equal(t, "Prune=false", deployment.Annotations["argocd.argoproj.io/sync-options"])
}

// pods returns the pod specs of all workloads by kind.
func pods(objects map[string][]any) map[string]corev1.PodSpec {
	all := map[string]corev1.PodSpec{}
	for _, o := range objects["Deployment"] {
		all["Deployment"] = o.(*appsv1.Deployment).Spec.Template.Spec
	}
	for _, o := range objects["Job"] {
		all["Job"] = o.(*batchv1.Job).Spec.Template.Spec
	}
	for _, o := range objects["Pod"] {
		all["Pod"] = o.(*corev1.Pod).Spec
	}
	return all
}

// checkContainer checks that a container meets the restricted Pod Security Standard, limits its memory, pins its image,
// and reads secrets from files.
func checkContainer(t *testing.T, where string, c corev1.Container) {
	t.Helper()
	assert.False(t, *c.SecurityContext.AllowPrivilegeEscalation, where)
	assert.True(t, *c.SecurityContext.ReadOnlyRootFilesystem, where)
	assert.Equal(t, []corev1.Capability{"ALL"}, c.SecurityContext.Capabilities.Drop, where)
	requests, limits := c.Resources.Requests, c.Resources.Limits
	assert.False(t, requests.Cpu().IsZero() || requests.Memory().IsZero() || limits.Memory().IsZero(), where)
	assert.NotContains(t, c.Image, ":latest", where)
	for _, e := range c.Env {
		if regexp.MustCompile(`PASSWORD|SECRET|DATABASE_URL`).MatchString(e.Name) {
			file := strings.HasSuffix(e.Name, "_FILE") && strings.HasPrefix(e.Value, "/var/run/secrets/webapp/")
			assert.True(t, file, "%s: %s is a file", where, e.Name)
		}
	}
}

// TestPodSecurity checks that every pod meets the restricted Pod Security Standard and has no service account token.
func TestPodSecurity(t *testing.T) {
	for _, environment := range environments {
		all := pods(rendered(t, environment, ""))
		require.Len(t, all, 3)
		for name, pod := range all {
			where := environment + " " + name
			assert.True(t, *pod.SecurityContext.RunAsNonRoot, where)
			assert.Equal(t, corev1.SeccompProfileTypeRuntimeDefault, pod.SecurityContext.SeccompProfile.Type, where)
			assert.False(t, *pod.AutomountServiceAccountToken, where)
			for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
				checkContainer(t, where, c)
			}
		}
	}
}

// TestDeployment checks the probes, that pods spread over zones and nodes, that rollouts and drains leave enough pods,
// and that selectors match.
func TestDeployment(t *testing.T) {
	for _, environment := range environments {
		objects := rendered(t, environment, "")
		d := objects["Deployment"][0].(*appsv1.Deployment)
		c := d.Spec.Template.Spec.Containers[0]
		assert.Nil(t, d.Spec.Replicas, "the number is the autoscaler's")
		assert.Equal(t, "/health", c.LivenessProbe.HTTPGet.Path)
		assert.Equal(t, "/ready", c.ReadinessProbe.HTTPGet.Path)
		assert.NotNil(t, c.StartupProbe)
		assert.NotNil(t, c.Lifecycle.PreStop.Sleep)
		assert.Zero(t, d.Spec.Strategy.RollingUpdate.MaxUnavailable.IntValue())
		var spread []string
		for _, s := range d.Spec.Template.Spec.TopologySpreadConstraints {
			assert.Equal(t, d.Spec.Selector.MatchLabels, s.LabelSelector.MatchLabels)
			spread = append(spread, s.TopologyKey)
		}
		assert.Equal(t, []string{"topology.kubernetes.io/zone", "kubernetes.io/hostname"}, spread)
		hpa := objects["HorizontalPodAutoscaler"][0].(*autoscalingv2.HorizontalPodAutoscaler)
		pdb := objects["PodDisruptionBudget"][0].(*policyv1.PodDisruptionBudget)
		service := objects["Service"][0].(*corev1.Service)
		assert.Less(t, pdb.Spec.MaxUnavailable.IntValue(), int(*hpa.Spec.MinReplicas))
		assert.Equal(t, d.Name, hpa.Spec.ScaleTargetRef.Name)
		assert.Equal(t, d.Spec.Selector.MatchLabels, pdb.Spec.Selector.MatchLabels)
		assert.Equal(t, d.Spec.Selector.MatchLabels, service.Spec.Selector)
		for key, value := range service.Spec.Selector {
			assert.Equal(t, value, d.Spec.Template.Labels[key])
			migration := objects["Job"][0].(*batchv1.Job).Spec.Template.Labels[key]
			assert.False(t, key == "app.kubernetes.io/component" && migration == value, "migrations get no requests")
		}
		// The grace period must be long enough for the load balancer to notice and for open requests to end.
		drain, grace := int64(15), *d.Spec.Template.Spec.TerminationGracePeriodSeconds
		assert.GreaterOrEqual(t, grace, drain+c.Lifecycle.PreStop.Sleep.Seconds+10)
	}
}

// TestNetwork checks that the network policies allow only the traffic that the application needs.
func TestNetwork(t *testing.T) {
	objects := rendered(t, "prod", "")
	ports := map[string][]string{}
	for _, o := range objects["NetworkPolicy"] {
		policy := o.(*networkingv1.NetworkPolicy)
		for _, rule := range policy.Spec.Egress {
			for _, port := range rule.Ports {
				for _, to := range rule.To {
					target := "pods"
					if to.IPBlock != nil {
						target = to.IPBlock.CIDR
					}
					ports[policy.Name] = append(ports[policy.Name], fmt.Sprintf("%s:%s", target, port.Port))
				}
			}
		}
		assert.NotEmpty(t, policy.Spec.PolicyTypes)
		for _, rule := range policy.Spec.Ingress {
			assert.NotEmpty(t, rule.From)
			assert.Len(t, rule.Ports, 1)
			assert.Equal(t, 8080, rule.Ports[0].Port.IntValue())
		}
	}
	want := []string{
		"pods:53",
		"pods:53",
		"10.10.20.0/22:5432",
		"10.10.52.0/22:5432",
		"10.10.20.0/22:6379",
		"10.10.52.0/22:6379",
	}
	assert.Equal(t, want, sortedByPort(ports["webapp"]))
	assert.Empty(t, ports["webapp-default-deny"])
}

// sortedByPort sorts targets by port number. The order in a network policy has no meaning.
func sortedByPort(ports []string) []string {
	sorted := slices.Clone(ports)
	slices.SortStableFunc(sorted, func(a, b string) int {
		number := func(s string) string { return fmt.Sprintf("%6s", s[strings.LastIndex(s, ":")+1:]) }
		return strings.Compare(number(a)+a, number(b)+b)
	})
	return sorted
}

// TestSecrets checks that the connection string uses the credentials that RDS rotates and verifies the certificate, and
// that only the service account of the secret store may assume a role.
func TestSecrets(t *testing.T) {
	objects := rendered(t, "prod", "")
	secret := objects["ExternalSecret"][0].(*unstructured.Unstructured)
	url, _, err := unstructured.NestedString(secret.Object, "spec", "target", "template", "data", "DATABASE_URL")
	require.NoError(t, err)
	assert.Contains(t, url, "{{ .password | urlquery }}")
	assert.Contains(t, url, "sslmode={{ .sslmode }}&sslrootcert=/etc/ssl/rds-global-bundle.pem")
	from, _, err := unstructured.NestedSlice(secret.Object, "spec", "dataFrom")
	require.NoError(t, err)
	assert.Len(t, from, 4)
	store := objects["SecretStore"][0].(*unstructured.Unstructured)
	path := []string{"spec", "provider", "aws", "auth", "jwt", "serviceAccountRef", "name"}
	account, _, err := unstructured.NestedString(store.Object, path...)
	require.NoError(t, err)
	found := false
	for _, o := range objects["ServiceAccount"] {
		s := o.(*corev1.ServiceAccount)
		if s.Name == account {
			found = s.Annotations["eks.amazonaws.com/role-arn"] != ""
		} else {
			role := s.Annotations["eks.amazonaws.com/role-arn"]
			assert.Empty(t, role, "the application's own pods have no role")
		}
	}
	assert.True(t, found)
	binding := objects["TargetGroupBinding"][0].(*unstructured.Unstructured)
	for _, key := range []string{"targetGroupARN", "targetType", "ipAddressType", "vpcID"} {
		value, _, _ := unstructured.NestedString(binding.Object, "spec", key)
		assert.NotEmpty(t, value, key)
	}
}

// TestRefusals checks that the chart refuses invalid values with an error that names the key.
func TestRefusals(t *testing.T) {
	for change, want := range map[string]string{
		"image: {tag: latest}":                             "image",
		"image: {tag: '', digest: ''}":                     "image",
		"image: {digest: sha256:short}":                    "digest",
		"image: {repository: docker.io/library/webapp}":    "repository",
		"resources: {requests: {cpu: 100m, memory: 500M}}": "memory",
		"autoscaling: {minReplicas: 1}":                    "minReplicas",
		"autoscaling: {minReplicas: 5, maxReplicas: 3}":    "must not be below",
		"maxUnavailable: 2\nautoscaling: {minReplicas: 2}": "a drain could take every pod",
		"replicas: 3":                          "replicas",
		"environment: Production!":             "environment",
		"url: http://shop.example.com":         "url",
		"targetGroup: {arn: web}":              "arn",
		"secrets: {refreshInterval: 0s}":       "refreshInterval",
		"secrets: {arns: {database: hunter2}}": "database",
		"network: {dataCidrs: []}":             "dataCidrs",
		"databaseConnections: many":            "databaseConnections",
		"drainSeconds: 1":                      "drainSeconds",
	} {
		_, err := render("dev", values(t, "dev", change))
		require.Error(t, err, change)
		assert.ErrorContains(t, err, want, change)
	}
}
