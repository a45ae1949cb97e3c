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

// replicas are what values-dev.yaml and values-prod.yaml ask for at least.
var replicas = map[string]int{"dev": 2, "prod": 3}

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
		fmt.Printf("The control plane and %d nodes in %d zones are ready after %.1f s.\n", 2*len(cluster.Zones), len(cluster.Zones), time.Since(started).Seconds())
		config, err := clientcmd.BuildConfigFromFlags("", control.Kubeconfig)
		if err != nil {
			panic(err)
		}
		client = kubernetes.NewForConfigOrDie(config)
		return m.Run()
	}())
}

// install runs the command that the pipeline runs, for an environment in a namespace.
func install(t *testing.T, namespace, environment, tag string, more ...string) error {
	t.Helper()
	args := append([]string{"upgrade", "--install", "webapp", chart, "--namespace", namespace, "--atomic", "--wait", "--timeout", "20s",
		"--values", filepath.Join(chart, "values-"+environment+".yaml"), "--values", infrastructure,
		"--set", "image.digest=", "--set", "image.tag=" + tag}, more...)
	return control.Deploy(t.Context(), args...)
}

// fresh is a namespace of its own with the application in it, healthy.
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

// ready are the pods of the server that get requests: ready, and not on their way out.
func ready(t *testing.T, namespace string) []corev1.Pod {
	t.Helper()
	pods, err := client.CoreV1().Pods(namespace).List(context.Background(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=server"})
	if !assert.NoError(t, err) {
		return nil
	}
	var all []corev1.Pod
	for _, pod := range pods.Items {
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue && pod.DeletionTimestamp == nil {
				all = append(all, pod)
			}
		}
	}
	return all
}

// images are those that the ready pods run, each once.
func images(t *testing.T, namespace string) map[string]int {
	seen := map[string]int{}
	for _, pod := range ready(t, namespace) {
		_, tag, _ := strings.Cut(pod.Spec.Containers[0].Image, ":")
		seen[tag]++
	}
	return seen
}

// fewest watches the ready pods while do runs and returns the smallest number seen, and how often it looked.
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

			budget, err := client.PolicyV1().PodDisruptionBudgets(namespace).Get(t.Context(), "webapp", metav1.GetOptions{})
			require.NoError(t, err)
			assert.EqualValues(t, replicas[environment], budget.Status.ExpectedPods, "the budget finds the pods")
			assert.EqualValues(t, 1, budget.Status.DisruptionsAllowed)

			_, err = control.Run(t.Context(), "", "helm", "test", "webapp", "--namespace", namespace, "--timeout", "20s")
			assert.NoError(t, err)

			manifest, err := control.Run(t.Context(), "", "helm", "get", "manifest", "webapp", "--namespace", namespace)
			require.NoError(t, err)
			strict := []string{"apply", "--dry-run=server", "--validate=strict", "--namespace", namespace, "-f", "-"}
			_, err = control.Run(t.Context(), manifest, "kubectl", strict...)
			assert.NoError(t, err, "the API server knows every field")
			misspelt := strings.Replace(manifest, "targetGroupARN:", "targetGroupArn:", 1)
			require.NotEqual(t, manifest, misspelt)
			_, err = control.Run(t.Context(), misspelt, "kubectl", strict...)
			assert.ErrorContains(t, err, "targetGroupArn", "a planted misspelling is found")
		})
	}
}

func TestNewTag(t *testing.T) {
	namespace := fresh(t, "prod")
	var took time.Duration
	smallest, looks := fewest(t, namespace, func() {
		started := time.Now()
		require.NoError(t, install(t, namespace, "prod", "v2"))
		took = time.Since(started)
	})
	t.Logf("a new image tag was rolled out in %.1f s (at most 20 are allowed); the pods were counted %d times, at least %d were ready", took.Seconds(), looks, smallest)
	assert.Less(t, took, 20*time.Second)
	assert.GreaterOrEqual(t, smallest, replicas["prod"], "a rollout adds before it takes away")
	assert.Equal(t, map[string]int{"v2": 3}, images(t, namespace))
}

func TestUpgradeKeepsWhatTheAutoscalerSet(t *testing.T) {
	namespace := fresh(t, "prod")
	_, err := control.Run(t.Context(), "", "kubectl", "scale", "deployment/webapp", "--replicas=5", "--namespace", namespace)
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
			status, err := control.Run(t.Context(), "", "helm", "history", "webapp", "--namespace", namespace, "--output", "yaml")
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
			_, err := control.Run(t.Context(), "", "kubectl", "drain", pod.Spec.NodeName, "--ignore-daemonsets", "--timeout=60s")
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

// The budget is what holds a drain back: of two evictions at once the second is refused.
func TestBudget(t *testing.T) {
	namespace := fresh(t, "prod")
	evict := func(pod corev1.Pod) error {
		return client.PolicyV1().Evictions(namespace).Evict(t.Context(), &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: namespace}})
	}
	pods := ready(t, namespace)
	require.Len(t, pods, replicas["prod"])
	require.NoError(t, evict(pods[0]))
	err := evict(pods[1])
	require.True(t, apierrors.IsTooManyRequests(err), "%v", err)

	require.NoError(t, client.PolicyV1().PodDisruptionBudgets(namespace).Delete(t.Context(), "webapp", metav1.DeleteOptions{}))
	assert.NoError(t, evict(pods[1]), "without the budget nothing is refused")
}

func TestPodSecurity(t *testing.T) {
	namespace := fresh(t, "dev")
	require.NoError(t, install(t, namespace, "dev", "v2")) // Runs the migration's pod too.
	_, err := control.Run(t.Context(), "", "helm", "test", "webapp", "--namespace", namespace, "--timeout", "20s")
	require.NoError(t, err)
	events, err := client.CoreV1().Events(namespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	created := map[string]bool{}
	for _, event := range events.Items {
		assert.NotContains(t, event.Message, "violates PodSecurity")
		if event.Reason == "Scheduled" {
			created[strings.Split(strings.TrimPrefix(event.InvolvedObject.Name, "webapp-"), "-")[0]] = true
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

// TestDeployerCanDoNoMore: what the installations above were made with may do nothing else.
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
		// can-i ends with 1 where the answer is no.
		said, _ := control.Run(t.Context(), "", "kubectl", append([]string{"auth", "can-i", "--kubeconfig", control.Deployer}, c.args...)...)
		assert.Equal(t, c.want, strings.TrimSpace(said), "%v", c.args)
	}
}

func TestUninstall(t *testing.T) {
	namespace := fresh(t, "dev")
	_, err := control.Run(t.Context(), "", "helm", "uninstall", "webapp", "--namespace", namespace, "--wait", "--timeout", "30s")
	require.NoError(t, err)
	left, err := control.Run(t.Context(), "", "kubectl", "get", "deploy,hpa,pdb,svc,networkpolicy,externalsecret,secretstore,targetgroupbinding,job", "--namespace", namespace, "-o", "name")
	require.NoError(t, err)
	assert.Empty(t, left)
}
