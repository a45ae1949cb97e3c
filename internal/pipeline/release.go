package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// image builds the image of the commit and looks for known vulnerabilities in it. It refuses a commit that quality has not passed.
func (r *Run) image(ctx context.Context) error {
	commit, err := r.commit(ctx)
	if err != nil {
		return err
	}
	if err := r.clean(ctx); err != nil {
		return err
	}
	if !r.passed(qualityPassed, commit) {
		if !r.dry() {
			return fmt.Errorf("commit %.12s has not passed quality: run make test quality first (%s says which commit did)", commit, qualityPassed)
		}
		r.say("%s would have to say that commit %.12s passed", qualityPassed, commit)
	}
	tag, err := r.tag(ctx)
	if err != nil {
		return err
	}
	if err := r.call(ctx, "tools/image.sh", tag); err != nil {
		return err
	}
	// The image holds this program, two files of certificates and nothing else: what a scanner of images would look at is the program.
	for _, arch := range []string{"amd64", "arm64"} {
		if err := r.call(ctx, "bin/govulncheck", "-db", r.or(VulnerabilityDB, "https://vuln.go.dev"), "-mode=binary", "bin/image/"+arch+"/out/webapp"); err != nil {
			return err
		}
	}
	return nil
}

// digestFile is where push leaves what deploy takes.
func (r *Run) digestFile() string { return r.path("reports", "digest-"+r.get(Environment)) }

// push sends the image to the environment's registry under a tag that never changes, and prints its digest. An image that is there
// already, from a run before, stays.
func (r *Run) push(ctx context.Context) error {
	env, err := r.environment()
	if err != nil {
		return err
	}
	tag, err := r.tag(ctx)
	if err != nil {
		return err
	}
	host := env.AccountID + ".dkr.ecr." + env.Region + ".amazonaws.com"
	repository := r.or(Registry, host+"/"+env.Prefix+"/webapp")
	host, _, _ = strings.Cut(repository, "/")
	_, name, _ := strings.Cut(repository, "/")
	if !r.dry() {
		if _, err := os.Stat(r.path("bin/webapp-image.tar")); err != nil {
			return fmt.Errorf("there is no image in bin/webapp-image.tar: run make image first")
		}
	}
	password, err := r.askSecret(ctx, "aws", "ecr", "get-login-password", "--region", env.Region)
	if err != nil {
		return err
	}
	if err := r.call(ctx, "tools/setup.sh", "push"); err != nil {
		return err
	}
	// Of its own and removed at the end: agents are shared, and the token is good for twelve hours.
	credentials := r.path("reports", "registry-credentials.json")
	r.Env = append(r.Env, "REGISTRY_AUTH_FILE="+credentials)
	defer os.Remove(credentials)
	if _, err := r.ask(ctx, password, "skopeo", "login", "--username", "AWS", "--password-stdin", "--tls-verify="+tls(host), host); err != nil {
		return err
	}
	digest, err := r.pushed(ctx, env, name, tag)
	if err != nil {
		return err
	}
	if digest == "" {
		if err := r.call(ctx, "skopeo", "copy", "--quiet", "--all", "--preserve-digests", "--dest-tls-verify="+tls(host), "--digestfile", "reports/digest",
			"oci-archive:bin/webapp-image.tar", "docker://"+repository+":"+tag); err != nil {
			return err
		}
		if r.dry() {
			return nil
		}
		text, err := os.ReadFile(r.path("reports/digest"))
		if err != nil {
			return fmt.Errorf("reading the digest: %w", err)
		}
		digest = strings.TrimSpace(string(text))
	} else {
		r.say("%s:%s is there already and stays as it is", repository, tag)
	}
	r.say("%s@%s", repository, digest)
	return os.WriteFile(r.digestFile(), []byte(digest+"\n"), 0o644)
}

// tls is "false" for a registry on this machine, which may speak plainly, and for no other.
func tls(host string) string {
	name, _, _ := strings.Cut(host, ":")
	return fmt.Sprint(name != "localhost" && name != "127.0.0.1")
}

// pushed is the digest of a tag that is in the registry, or "".
func (r *Run) pushed(ctx context.Context, env *settings, repository, tag string) (string, error) {
	text, err := r.ask(ctx, "", "aws", "ecr", "batch-get-image", "--region", env.Region, "--repository-name", repository, "--image-ids", "imageTag="+tag,
		"--query", "images[0].imageId.imageDigest", "--output", "text")
	if err != nil {
		return "", err
	}
	if text = strings.TrimSpace(text); text == "None" {
		return "", nil
	}
	return text, nil
}

// askSecret is ask for a command whose answer must not be shown.
func (r *Run) askSecret(ctx context.Context, command ...string) (string, error) {
	r.say("+ %s", strings.Join(command, " "))
	if r.dry() {
		return "", nil
	}
	return r.look(ctx, "", nil, command...)
}

// deploy brings an image to the environment, in the way of whoever owns the release there.
func (r *Run) deploy(ctx context.Context) error {
	env, err := r.environment()
	if err != nil {
		return err
	}
	digest := r.get(Digest)
	if digest == "" {
		text, err := os.ReadFile(r.digestFile())
		switch {
		case err == nil:
			digest = strings.TrimSpace(string(text))
		case r.dry():
			digest = "sha256:" + strings.Repeat("0", 64)
		default:
			return fmt.Errorf("there is no DIGEST, and no push has left one in reports/digest-%s", r.get(Environment))
		}
	}
	timeout, err := time.ParseDuration(r.or(Timeout, "5m"))
	if err != nil {
		return err
	}
	// Of its own: nobody's current context changes.
	kubeconfig := r.path("reports", "kubeconfig")
	r.Env = append(r.Env, "KUBECONFIG="+kubeconfig)
	if err := r.call(ctx, "aws", "eks", "update-kubeconfig", "--region", env.Region, "--name", env.Prefix, "--kubeconfig", kubeconfig); err != nil {
		return err
	}
	if env.Owner == "argocd" {
		return r.deployThroughGit(ctx, env, digest, timeout)
	}
	return r.deployWithHelm(ctx, digest, timeout)
}

// deployWithHelm installs or upgrades, waits until everything is healthy, and goes back by itself where it does not get there.
func (r *Run) deployWithHelm(ctx context.Context, digest string, timeout time.Duration) error {
	helm := "helm"
	if r.find(helm) == "" {
		if err := r.call(ctx, "make", "helm"); err != nil {
			return err
		}
		helm = "bin/helm"
	}
	values, err := r.ask(ctx, "", "kubectl", "--namespace", "webapp", "get", "configmap", InfrastructureValues, "--output", `jsonpath={.data.values\.yaml}`)
	if err != nil {
		return fmt.Errorf("reading what the infrastructure says (is the workloads layer up?): %w", err)
	}
	rollback := "--atomic"
	if version, err := r.look(ctx, "", nil, helm, "version", "--short"); err == nil && strings.HasPrefix(version, "v4.") {
		rollback = "--rollback-on-failure"
	}
	// Infrastructure's values through standard input: what is in nobody's file is in nobody's way afterwards.
	_, err = r.ask(ctx, values, helm, "upgrade", "--install", "webapp", "webapp/chart", "--namespace", "webapp", rollback, "--wait", "--timeout", timeout.String(),
		"--values", "webapp/chart/values-"+r.get(Environment)+".yaml", "--values", "-", "--set", "image.digest="+digest)
	return err
}

var digestLine = regexp.MustCompile(`(?m)^(  digest: )\S+$`)

// deployThroughGit writes the digest to the values that Argo CD follows, on top of whatever is on the branch by now, and waits until Argo CD says that
// this runs and is healthy.
func (r *Run) deployThroughGit(ctx context.Context, env *settings, digest string, timeout time.Duration) error {
	source, err := r.commit(ctx)
	if err != nil {
		return err
	}
	if r.dry() {
		r.say("+ write %s to %s on %s and push it", digest, env.Values, env.Revision)
		r.say("+ kubectl --namespace argocd get application webapp, until that commit is synced and healthy, for %s at most", timeout)
		return nil
	}
	// In a folder of its own: the one that was checked out stays at the commit that was built.
	worktree := r.path(".groundwork", "deploy")
	_, _ = r.look(ctx, "", nil, "git", "worktree", "remove", "--force", worktree)
	if err := os.RemoveAll(worktree); err != nil {
		return err
	}
	if err := r.call(ctx, "git", "fetch", "--quiet", "origin", env.Revision); err != nil {
		return err
	}
	if err := r.call(ctx, "git", "worktree", "add", "--quiet", "--force", "--detach", worktree, "FETCH_HEAD"); err != nil {
		return err
	}
	defer func() {
		_, _ = r.look(context.WithoutCancel(ctx), "", nil, "git", "worktree", "remove", "--force", worktree)
	}()
	var commit string
	for attempt := range 5 {
		if attempt > 0 {
			// Somebody was faster.
			for _, command := range [][]string{{"git", "-C", worktree, "fetch", "--quiet", "origin", env.Revision}, {"git", "-C", worktree, "reset", "--quiet", "--hard", "FETCH_HEAD"}} {
				if err := r.call(ctx, command...); err != nil {
					return err
				}
			}
		}
		if commit, err = r.commitDigest(ctx, env, worktree, digest, source); err != nil {
			return err
		}
		if err = r.call(ctx, "git", "-C", worktree, "push", "--quiet", "origin", "HEAD:"+env.Revision); err == nil {
			return r.awaitArgoCD(ctx, commit, timeout)
		}
	}
	return fmt.Errorf("pushing the digest to %s: %w", env.Revision, err)
}

var deployedFrom = regexp.MustCompile(`(?m)^Deployed-from: ([0-9a-f]{40})$`)

// commitDigest makes the commit that deploys, in a worktree of the branch, and returns it. Where the digest is there already, that is the branch as it is. It refuses to go
// back behind a commit that was deployed: an older run that was let through late would undo a newer one.
func (r *Run) commitDigest(ctx context.Context, env *settings, worktree, digest, source string) (string, error) {
	file := filepath.Join(worktree, env.Values)
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading the values that Argo CD follows: %w", err)
	}
	if len(digestLine.FindAllString(string(text), -1)) != 1 {
		return "", fmt.Errorf("%s has no one line \"  digest: ...\" below image", env.Values)
	}
	name := r.get(Environment)
	last, err := r.look(ctx, "", nil, "git", "-C", worktree, "log", "-1", "--format=%B", "--fixed-strings", "--grep", " to "+name+" [skip ci]")
	if err != nil {
		return "", err
	}
	if match := deployedFrom.FindStringSubmatch(last); match != nil && match[1] != source {
		if _, err := r.look(ctx, "", nil, "git", "-C", worktree, "merge-base", "--is-ancestor", source, match[1]); err == nil {
			return "", fmt.Errorf("%s runs commit %.12s, which is newer than %.12s; to go back, revert in Git and let that commit pass", name, match[1], source)
		}
	}
	if changed := digestLine.ReplaceAllString(string(text), "${1}"+digest); changed == string(text) {
		r.say("%s has this digest already", env.Values)
	} else {
		r.say("+ write %s to %s", digest, env.Values)
		if err := os.WriteFile(file, []byte(changed), 0o644); err != nil {
			return "", err
		}
		// The marker keeps pipelines from starting over for this commit.
		message := fmt.Sprintf("Deploy %.19s to %s [skip ci]\n\nDeployed-from: %s", digest, name, source)
		if err := r.call(ctx, "git", "-C", worktree, "-c", "user.name=pipeline", "-c", "user.email=pipeline@localhost", "commit", "--quiet", "--message", message, "--", env.Values); err != nil {
			return "", err
		}
	}
	commit, err := r.look(ctx, "", nil, "git", "-C", worktree, "rev-parse", "HEAD")
	return strings.TrimSpace(commit), err
}

// application is what Argo CD says of one.
type application struct {
	Status struct {
		Sync struct {
			Status   string
			Revision string
		}
		Health struct{ Status, Message string }
	}
}

// includes reports whether a revision is the commit, or came after it: others push to the branch too.
func (r *Run) includes(ctx context.Context, revision, commit string) bool {
	if revision == commit {
		return true
	}
	if _, err := r.look(ctx, "", nil, "git", "fetch", "--quiet", "origin", revision); err != nil {
		return false
	}
	_, err := r.look(ctx, "", nil, "git", "merge-base", "--is-ancestor", commit, revision)
	return err == nil
}

// awaitArgoCD waits until Argo CD has brought a commit out.
func (r *Run) awaitArgoCD(ctx context.Context, commit string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	said := ""
	for {
		text, err := r.look(ctx, "", nil, "kubectl", "--namespace", "argocd", "get", "application", "webapp", "--output", "json")
		var app application
		if err == nil {
			err = json.Unmarshal([]byte(text), &app)
		}
		s := app.Status
		now := fmt.Sprintf("Argo CD: %s at %.12s, %s %s", s.Sync.Status, s.Sync.Revision, s.Health.Status, s.Health.Message)
		if err != nil {
			// One question that is not answered says nothing about the release.
			now = fmt.Sprintf("asking Argo CD: %v", err)
		}
		if now != said {
			said = now
			r.say("%s", strings.TrimSpace(now))
		}
		if s.Sync.Status == "Synced" && s.Health.Status == "Healthy" && r.includes(ctx, s.Sync.Revision, commit) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("commit %.12s is not synced and healthy after %s; last seen: %s. The version before goes on serving; git revert and push takes the commit back", commit, timeout, said)
		case <-time.After(2 * time.Second):
		}
	}
}
