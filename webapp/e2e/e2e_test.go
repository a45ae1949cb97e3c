package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"groundwork/webapp/e2e/cluster"
)

const (
	chart          = "../chart"
	infrastructure = chart + "/ci/infrastructure-values.yaml"
)

// replicas are the smallest numbers of pods in values-dev.yaml and values-prod.yaml.
var replicas = map[string]int{"dev": 2, "prod": 3}

// control is the control plane that all tests share, and client is an administrator's client of it.
var (
	control *cluster.Cluster
	client  *kubernetes.Clientset
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "e2e-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		started := time.Now()
		if control, err = cluster.Start(context.Background(), programs(), dir); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			return 1
		}
		defer control.Stop()
		fmt.Printf("The control plane and %d nodes in %d zones are ready after %.1f s.\n",
			2*len(cluster.Zones), len(cluster.Zones), time.Since(started).Seconds())
		config, err := clientcmd.BuildConfigFromFlags("", control.Kubeconfig)
		if err != nil {
			panic(err)
		}
		client = kubernetes.NewForConfigOrDie(config)
		return m.Run()
	}())
}

// install installs or upgrades the chart with the command that the pipeline uses.
func install(t *testing.T, namespace, environment, tag string, more ...string) error {
	t.Helper()
	args := []string{
		"upgrade", "--install", "webapp", chart,
		"--namespace", namespace,
		"--atomic", "--wait", "--timeout", "20s",
		"--values", filepath.Join(chart, "values-"+environment+".yaml"),
		"--values", infrastructure,
		"--set", "image.digest=",
		"--set", "image.tag=" + tag,
	}
	return control.Deploy(t.Context(), append(args, more...)...)
}

// helmTest runs the chart's tests against a release.
func helmTest(t *testing.T, namespace string) error {
	t.Helper()
	_, err := control.Run(t.Context(), "", "helm", "test", "webapp", "--namespace", namespace, "--timeout", "20s")
	return err
}

// fresh creates a namespace, installs the application in it, and waits until the application is healthy.
func fresh(t *testing.T, environment string) string {
	t.Helper()
	namespace := strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
	require.NoError(t, control.Namespace(t.Context(), namespace, infrastructure))
	t.Cleanup(func() {
		_, err := control.Run(context.Background(), "", "kubectl", "delete", "namespace", namespace)
		assert.NoError(t, err)
	})
	require.NoError(t, install(t, namespace, environment, "v1"))
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		assert.Len(c, ready(t, namespace), replicas[environment], "the autoscaler sees to the smallest number of pods")
	}, 30*time.Second, 100*time.Millisecond)
	return namespace
}

// ready returns the pods of the server that get requests: those that are ready and are not being deleted.
func ready(t *testing.T, namespace string) []corev1.Pod {
	t.Helper()
	server := metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=server"}
	pods, err := client.CoreV1().Pods(namespace).List(context.Background(), server)
	if !assert.NoError(t, err) {
		return nil
	}
	var all []corev1.Pod
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp != nil {
			continue
		}
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
				all = append(all, pod)
			}
		}
	}
	return all
}

// images returns how many ready pods run each image tag.
func images(t *testing.T, namespace string) map[string]int {
	seen := map[string]int{}
	for _, pod := range ready(t, namespace) {
		_, tag, _ := strings.Cut(pod.Spec.Containers[0].Image, ":")
		seen[tag]++
	}
	return seen
}

// fewest counts the ready pods while do runs. It returns the smallest count and how often it counted.
func fewest(t *testing.T, namespace string, do func()) (smallest, looks int) {
	t.Helper()
	stop := make(chan struct{})
	var watching sync.WaitGroup
	smallest = len(ready(t, namespace))
	watching.Go(func() {
		for {
			smallest = min(smallest, len(ready(t, namespace)))
			looks++
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
	do()
	close(stop)
	watching.Wait()
	return smallest, looks
}

// TestFirstInstallation installs the chart in an empty namespace and checks the result in both environments.
func TestFirstInstallation(t *testing.T) {
	for _, environment := range []string{"dev", "prod"} {
		t.Run(environment, func(t *testing.T) {
			namespace := fresh(t, environment)
			zones, nodes := map[string]bool{}, map[string]bool{}
			for _, pod := range ready(t, namespace) {
				node, err := client.CoreV1().Nodes().Get(t.Context(), pod.Spec.NodeName, metav1.GetOptions{})
				require.NoError(t, err)
				zones[node.Labels[corev1.LabelTopologyZone]] = true
				nodes[node.Name] = true
			}
			assert.Len(t, zones, replicas[environment], "pods are in different zones")
			assert.Len(t, nodes, replicas[environment], "pods are on different nodes")

			budgets := client.PolicyV1().PodDisruptionBudgets(namespace)
			budget, err := budgets.Get(t.Context(), "webapp", metav1.GetOptions{})
			require.NoError(t, err)
			assert.EqualValues(t, replicas[environment], budget.Status.ExpectedPods, "the budget finds the pods")
			assert.EqualValues(t, 1, budget.Status.DisruptionsAllowed)

			assert.NoError(t, helmTest(t, namespace))
			checkManifest(t, namespace)
		})
	}
}

// checkManifest checks that the API server knows every field of the release's manifest, and that it would refuse a
// misspelled one.
func checkManifest(t *testing.T, namespace string) {
	t.Helper()
	manifest, err := control.Run(t.Context(), "", "helm", "get", "manifest", "webapp", "--namespace", namespace)
	require.NoError(t, err)
	strict := []string{"apply", "--dry-run=server", "--validate=strict", "--namespace", namespace, "-f", "-"}
	_, err = control.Run(t.Context(), manifest, "kubectl", strict...)
	assert.NoError(t, err, "the API server knows every field")
	misspelled := strings.Replace(manifest, "targetGroupARN:", "targetGroupArn:", 1)
	require.NotEqual(t, manifest, misspelled)
	_, err = control.Run(t.Context(), misspelled, "kubectl", strict...)
	assert.ErrorContains(t, err, "targetGroupArn", "a planted misspelling is found")
}

// TestNewTag upgrades to a new image tag. The upgrade is fast, and there are always enough ready pods.
func TestNewTag(t *testing.T) {
	namespace := fresh(t, "prod")
	var took time.Duration
	smallest, looks := fewest(t, namespace, func() {
		started := time.Now()
		require.NoError(t, install(t, namespace, "prod", "v2"))
		took = time.Since(started)
	})
	t.Logf("a new image tag was rolled out in %.1f s (at most 20 are allowed); "+
		"the pods were counted %d times, at least %d were ready", took.Seconds(), looks, smallest)
	assert.Less(t, took, 20*time.Second)
	assert.GreaterOrEqual(t, smallest, replicas["prod"], "a rollout adds before it takes away")
	assert.Equal(t, map[string]int{"v2": 3}, images(t, namespace))
}

// TestUpgradeKeepsWhatTheAutoscalerSet upgrades a deployment that the autoscaler has scaled, and checks that the
// upgrade does not change the number of pods.
func TestUpgradeKeepsWhatTheAutoscalerSet(t *testing.T) {
	namespace := fresh(t, "prod")
	scale := []string{"scale", "deployment/webapp", "--replicas=5", "--namespace", namespace}
	_, err := control.Run(t.Context(), "", "kubectl", scale...)
	require.NoError(t, err)
	require.NoError(t, install(t, namespace, "prod", "v2"))
	assert.Equal(t, map[string]int{"v2": 5}, images(t, namespace))

	before := ready(t, namespace)
	require.NoError(t, install(t, namespace, "prod", "v2"))
	names := func(pods []corev1.Pod) (all []string) {
		for _, pod := range pods {
			all = append(all, pod.Name)
		}
		return all
	}
	assert.ElementsMatch(t, names(before), names(ready(t, namespace)), "the same release again leaves the pods alone")
}

// TestBadReleases installs releases that do not become healthy and checks that Helm rolls them back.
func TestBadReleases(t *testing.T) {
	for _, tag := range []string{"missing", "unready", "unmigrated"} {
		t.Run(tag, func(t *testing.T) {
			namespace := fresh(t, "prod")
			smallest, looks := fewest(t, namespace, func() {
				err := install(t, namespace, "prod", tag)
				require.Error(t, err)
				assert.Contains(t, err.Error(), "rolled back due to atomic being set")
			})
			assert.Greater(t, looks, 5)
			assert.GreaterOrEqual(t, smallest, replicas["prod"], "the old pods serve throughout")
			assert.Equal(t, map[string]int{"v1": 3}, images(t, namespace))
			history := []string{"history", "webapp", "--namespace", namespace, "--output", "yaml"}
			status, err := control.Run(t.Context(), "", "helm", history...)
			require.NoError(t, err)
			assert.Contains(t, status, "Rollback to 1")

			require.NoError(t, install(t, namespace, "prod", "v2"), "the way is free for the next release")
			assert.Equal(t, map[string]int{"v2": 3}, images(t, namespace))
		})
	}
	t.Run("first", func(t *testing.T) {
		require.NoError(t, control.Namespace(t.Context(), "first", infrastructure))
		assert.Error(t, install(t, "first", "dev", "missing"))
		releases, err := control.Run(t.Context(), "", "helm", "list", "--all", "--short", "--namespace", "first")
		require.NoError(t, err)
		assert.Empty(t, releases, "a first installation that fails leaves no release")
		pods, err := client.AppsV1().Deployments("first").List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		assert.Empty(t, pods.Items)
	})
}

// TestDrain drains every node that runs a pod, one after the other, and checks that at most one pod is missing at a
// time.
func TestDrain(t *testing.T) {
	namespace := fresh(t, "prod")
	var drained []string
	t.Cleanup(func() {
		for _, node := range drained {
			_, err := control.Run(context.Background(), "", "kubectl", "uncordon", node)
			assert.NoError(t, err)
		}
	})
	smallest, looks := fewest(t, namespace, func() {
		for _, pod := range ready(t, namespace) {
			drained = append(drained, pod.Spec.NodeName)
			drain := []string{"drain", pod.Spec.NodeName, "--ignore-daemonsets", "--timeout=60s"}
			_, err := control.Run(t.Context(), "", "kubectl", drain...)
			require.NoError(t, err)
		}
	})
	t.Logf("%d nodes drained; the pods were counted %d times, at least %d were ready", len(drained), looks, smallest)
	assert.GreaterOrEqual(t, smallest, replicas["prod"]-1, "one pod at a time may be away")
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		pods := ready(t, namespace)
		assert.Len(c, pods, replicas["prod"])
		for _, pod := range pods {
			assert.NotContains(c, drained, pod.Spec.NodeName)
		}
	}, 20*time.Second, 100*time.Millisecond)
}

// TestBudget evicts two pods at the same time and checks that the budget, and nothing else, refuses the second
// eviction.
func TestBudget(t *testing.T) {
	namespace := fresh(t, "prod")
	evict := func(pod corev1.Pod) error {
		return client.PolicyV1().Evictions(namespace).Evict(t.Context(), &policyv1.Eviction{
			ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: namespace},
		})
	}
	pods := ready(t, namespace)
	require.Len(t, pods, replicas["prod"])
	require.NoError(t, evict(pods[0]))
	err := evict(pods[1])
	require.True(t, apierrors.IsTooManyRequests(err), "%v", err)

	budgets := client.PolicyV1().PodDisruptionBudgets(namespace)
	require.NoError(t, budgets.Delete(t.Context(), "webapp", metav1.DeleteOptions{}))
	assert.NoError(t, evict(pods[1]), "without the budget nothing is refused")
}

// TestPodSecurity checks that the namespace admits all pods of the chart, and that it refuses a pod without a security
// context.
func TestPodSecurity(t *testing.T) {
	namespace := fresh(t, "dev")
	// An upgrade also creates the pod of the migration.
	require.NoError(t, install(t, namespace, "dev", "v2"))
	require.NoError(t, helmTest(t, namespace))
	events, err := client.CoreV1().Events(namespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	created := map[string]bool{}
	for _, event := range events.Items {
		assert.NotContains(t, event.Message, "violates PodSecurity")
		if event.Reason == "Scheduled" {
			name := strings.TrimPrefix(event.InvolvedObject.Name, "webapp-")
			created[strings.Split(name, "-")[0]] = true
		}
	}
	assert.True(t, created["migrate"], "the migration's pod was admitted")
	assert.True(t, created["test"], "the test's pod was admitted")

	_, err = client.CoreV1().Pods(namespace).Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "planted"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Image: "a"}}},
	}, metav1.CreateOptions{})
	assert.ErrorContains(t, err, "violates PodSecurity", "a planted pod with no security context is refused")
}

// TestDeployerCanDoNoMore checks what the role of the pipelines allows and what it refuses.
func TestDeployerCanDoNoMore(t *testing.T) {
	namespace := fresh(t, "dev")
	for _, c := range []struct {
		want string
		args []string
	}{
		{"yes", []string{"create", "deployments.apps", "--namespace", namespace}},
		{"no", []string{"create", "deployments.apps", "--namespace", "default"}},
		{"no", []string{"create", "rolebindings.rbac.authorization.k8s.io", "--namespace", namespace}},
		{"no", []string{"create", "pods", "--subresource=exec", "--namespace", namespace}},
		{"no", []string{"update", "configmaps", "--namespace", namespace}},
		{"no", []string{"get", "secrets", "--namespace", "kube-system"}},
		{"no", []string{"get", "nodes"}},
	} {
		// The error is ignored: can-i exits with 1 if the answer is no.
		args := append([]string{"auth", "can-i", "--kubeconfig", control.Deployer}, c.args...)
		said, _ := control.Run(t.Context(), "", "kubectl", args...)
		assert.Equal(t, c.want, strings.TrimSpace(said), "%v", c.args)
	}
}

// TestUninstall uninstalls the release and checks that no resource remains.
func TestUninstall(t *testing.T) {
	namespace := fresh(t, "dev")
	uninstall := []string{"uninstall", "webapp", "--namespace", namespace, "--wait", "--timeout", "30s"}
	_, err := control.Run(t.Context(), "", "helm", uninstall...)
	require.NoError(t, err)
	const kinds = "deploy,hpa,pdb,svc,networkpolicy,externalsecret,secretstore,targetgroupbinding,job"
	left, err := control.Run(t.Context(), "", "kubectl", "get", kinds, "--namespace", namespace, "-o", "name")
	require.NoError(t, err)
	assert.Empty(t, left)
}
